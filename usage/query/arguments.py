"""The period and the filters of the API as options of commands."""

from contextlib import contextmanager
from datetime import date, timedelta

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.http import QueryDict
from django.utils.timezone import localdate

from aliases.models import ApiKey
from usage.models.labels import NO_KEY, NOT, filtering
from usage.query.filters import UsageFilter
from usage.query.forms import UsageFilterForm, checked
from usage.query.names import names_with

OPTIONS = {"start": "since", "end": "until", "api_key": "key", "source": "account"}  # parameters with other names here
MOST = 100  # values that a name is looked for in


def add_filters(parser: CommandParser):
    """The options that filters_of reads."""
    group = parser.add_argument_group("which usage", "the period and the filters of the API, docs/api.md")
    group.add_argument("--range", default="", help="today, yesterday, this_week, last_month, 24h, 30d, all …")
    group.add_argument("--since", dest="start", default="", metavar="DAY", help="a local day or time, or RFC 3339")
    group.add_argument("--until", dest="end", default="", metavar="DAY", help="a day, which is included, or a time")
    for name, label in filtering().items():
        option, about = OPTIONS.get(label.name, label.name).replace("_", "-"), label.description.replace("%", "%%")
        if name.startswith(NOT):
            option, about = f"not-{option}", f"All but these values of --{option}."
        group.add_argument(f"--{option}", dest=name, action="append", default=[], help=about)


def filters_of(options: dict, **more: str) -> UsageFilter:
    """The filter that options ask for, with other parameters where they say nothing; CommandError in one line."""
    query = QueryDict(mutable=True)
    for name in ("range", "start"):
        query[name] = options[name]
    # From a day on: up to now, whatever a clock runs ahead.
    query["end"] = _after(options["end"]) or (options["start"] and str(localdate() + timedelta(days=2)))
    for name, label in filtering().items():
        query.setlist(name, [_named(label, text) for text in options[name]])
    if not (query["range"] or query["start"] or query["end"]):
        query.update(more)
    with one_line():
        return checked(UsageFilterForm(query)).usage_filter()


@contextmanager
def one_line():
    """A ValidationError within becomes a CommandError of one line that names the option."""
    try:
        yield
    except ValidationError as error:
        field, sentences = next(iter(error.message_dict.items()))
        raise CommandError(f"--{OPTIONS.get(field, field).replace('_', '-')}: {sentences[0]}") from None


def _after(text):
    """The moment before which a period ends that includes the day."""
    try:
        return str(date.fromisoformat(text) + timedelta(days=1))
    except (ValueError, OverflowError):
        return text


def _named(label, text):
    """What a filter takes for a key or an account given by what people call it; of keys, one that is known."""
    if not (label.shown and text):
        return text
    found = [value for value, shown in names_with(label, text, MOST) if shown.casefold() == text.casefold()]
    if len(found) > 1 and label.name == "api_key":
        raise CommandError(f"--key: {len(found)} keys are called {text}: give the fingerprint of one.")
    if not found and label.name == "api_key" and text != NO_KEY:
        known = ApiKey.objects.filter(fingerprint=ApiKey.of(text).fingerprint).exists()
        if not known:
            raise CommandError("--key: no client key has this name or fingerprint; the page of keys lists them.")
    return found[0] if found else text
