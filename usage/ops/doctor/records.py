"""Findings about what records say: who counts tokens in a way that we guess, and fields that we do not know."""

from usage.models import DrainState, Series
from usage.models.labels import open_labels
from usage.ops.doctor.findings import Finding
from usage.ops.status import guessed, unknown_fields


def guesses():
    """Providers and executors whose way to count tokens is guessed."""
    names = ", ".join(f"{each.provider or '-'} ({each.executor_type or '-'})" for each in guessed())
    said = f"Guessed, as OpenAI counts tokens: {names}. Compare their costs with a bill." if names else ""
    yield Finding("Providers", True, said or "How each counts its tokens is known.")


def fields():
    """Fields of records that this version does not know."""
    names = ", ".join(unknown_fields(DrainState.load()))
    said = f"Not known to this version, and left out: {names}." if names else ""
    yield Finding("Fields", True, said or "Every field of the records is known.")


def labels():
    """Labels that have as many values as they may have."""
    full = [str(label.title) for label in open_labels() if Series.values_of(label).count() >= label.most]
    said = f"Full, new values are (other): {', '.join(full)}. Merge values (manage.py mergelabels) to make room."
    yield Finding("Labels", True, said if full else "Every label has room for new values.")
