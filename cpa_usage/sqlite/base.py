"""Django's SQLite backend, except that rows with a key of several columns are kept in the order of that key."""

from django.db.backends.sqlite3 import base, schema
from django.db.models import CompositePrimaryKey


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Rollups are read by their key: in order of arrival the rows of one question lie on many pages.

    Their migrations name the key's columns first: SQLite's integrity_check up to 3.40 reports errors otherwise.
    """

    def table_sql(self, model):
        sql, parameters = super().table_sql(model)
        clustered = isinstance(model._meta.pk, CompositePrimaryKey)
        return f"{sql} WITHOUT ROWID" if clustered else sql, parameters


class DatabaseWrapper(base.DatabaseWrapper):
    SchemaEditorClass = DatabaseSchemaEditor
