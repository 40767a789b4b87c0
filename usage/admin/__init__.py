"""Usage in the admin: the drain's own tables, columns of bills, and usage in the lists of models and client keys."""

from usage.admin import drain, lists, saved

__all__ = ["drain", "lists", "saved"]
