"""Reading accounts and upstream keys."""

from django.db import models


class ListedQuerySet(models.QuerySet):
    """Rows of one of CPA's lists, joined to records by auth_index."""

    def by_index(self, indexes):
        """Rows of these auth_index values; blank ones match nothing."""
        return self.filter(auth_index__in=set(indexes) - {""})
