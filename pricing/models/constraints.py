"""Rows that are unique also where one of the columns is NULL, which never collides in a constraint of its own."""

from django.db.models import Q, UniqueConstraint


def unique_with_null(fields: list[str], column: str, sentences: dict[str, str]) -> list[UniqueConstraint]:
    """Unique by the fields and a column that may be NULL; two names of constraints with what a collision is called."""
    (with_value, taken), (without, taken_without) = sentences.items()
    return [
        UniqueConstraint(fields=[*fields, column], name=with_value, violation_error_message=taken),
        UniqueConstraint(
            fields=fields, condition=Q(**{column: None}), name=without, violation_error_message=taken_without
        ),
    ]


def one_a_day(fields: list[str], names: tuple[str, str], has: str) -> list[UniqueConstraint]:
    """One row for each day in `valid_from`, and one for always."""
    when = ("from this day on", "for always")
    sentences = (f"{has} {each} already: change that one." for each in when)
    return unique_with_null(fields, "valid_from", dict(zip(names, sentences, strict=True)))
