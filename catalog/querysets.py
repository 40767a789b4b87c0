"""The vocabulary of accounts and upstream keys."""

from django.db import models


class ListedQuerySet(models.QuerySet):
    """Rows of a list of CPA's, joined to records by auth_index."""

    def by_index(self, indexes):
        """Rows of these auth_index values; blank ones name nobody."""
        return self.filter(auth_index__in=set(indexes) - {""})
