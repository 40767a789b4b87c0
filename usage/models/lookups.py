"""`field__among=[…]`: like `in`, with all values in one parameter.

A list of thousands makes a statement of its own for every length: each is parsed again, and 128 of them are kept.
"""

from django.db.models import Field, Lookup
from msgspec import json


@Field.register_lookup
class Among(Lookup):
    """For whole numbers and texts that are of the field's type already; no subqueries, no expressions."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sqlite(self, compiler, connection):
        field, parameters = self.process_lhs(compiler, connection)
        return f"{field} IN (SELECT value FROM json_each(%s))", (*parameters, json.encode(self.rhs).decode())

    def as_postgresql(self, compiler, connection):
        field, parameters = self.process_lhs(compiler, connection)
        return f"{field} = ANY(%s)", (*parameters, list(self.rhs))
