"""manage.py migrate: Django's, but in one transaction: killed at any moment, or out of room, it has changed nothing.

Django commits each migration by itself, and notes one that makes a table only after that: killed in between, it could
never be applied again.
"""

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import DatabaseError, connections, transaction

from cpa_usage.database.preparing import lock_preparation


class Command(migrate.Command):
    def handle(self, *app_labels, **options):
        """Raises CommandError, in one line, when the database cannot be migrated; --traceback shows where."""
        database = options["database"]
        # SQLite changes tables only while references are not checked, which cannot be switched within a transaction;
        # each migration ends with a look at all of them.
        try:
            with connections[database].constraint_checks_disabled(), transaction.atomic(database):
                lock_preparation(database)
                super().handle(*app_labels, **options)
        except DatabaseError as error:
            first = error.__context__ or error  # SQLite gives up the whole transaction, which ends in a second error
            words = str(first).strip().partition("\n")[0]
            raise CommandError(f"The database cannot be migrated, and is as it was: {words}") from error
