"""How often aliases changed."""

from cpa_usage import revisions


class Revision(revisions.Revision):
    """Counts the changes of aliases."""
