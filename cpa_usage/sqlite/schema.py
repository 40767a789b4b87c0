"""Django's SQLite tables, except that rows with a key of several columns are kept in the order of that key."""

from django.db.backends.sqlite3 import schema
from django.db.models import CompositePrimaryKey


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Totals are read by their key: in order of arrival each would lie on another page.

    Their migrations name the key's columns first: up to version 3.40 SQLite's integrity_check goes wrong over others.
    """

    def table_sql(self, model):
        sql, parameters = super().table_sql(model)
        clustered = isinstance(model._meta.pk, CompositePrimaryKey)
        return f"{sql} WITHOUT ROWID" if clustered else sql, parameters
