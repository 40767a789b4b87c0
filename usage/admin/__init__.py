"""Usage in the admin: the drain's own tables, and columns of usage in the lists of models and client keys."""

from usage.admin import drain, lists

__all__ = ["drain", "lists"]
