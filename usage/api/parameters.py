"""The query parameters of reads of usage, as the OpenAPI schema describes them; usage.query understands them."""

from drf_spectacular.utils import OpenApiParameter

from usage.analytics.choices import Choice
from usage.analytics.events.ordering import LISTED, SEARCHED
from usage.analytics.events.paging import EVENT_KEY as KEY
from usage.models.labels import FAILED, NONE, NOT, SUCCESS, filtering
from usage.models.querysets import MESSAGE_LENGTH
from usage.query.forms import FIRST_YEAR, ORDERS, PAGE_SIZE, PAGE_SIZES, EventsForm, YearForm
from usage.time.periods import LAST_YEAR

RANGE = (
    r"^(today|yesterday|(this|last)_(week|month)|([1-9]|[1-9]\d|1[0-5]\d|16[0-8])h|"
    r"([1-9]|[1-9]\d|[12]\d\d|3[0-5]\d|36[0-6])d|all|custom)?$"
)
VALUES = {  # of labels that know their values
    "result": {"type": "string", "enum": [SUCCESS, FAILED, ""]},
    "status": {"anyOf": [{"type": "integer", "minimum": 100, "maximum": 599}, {"type": "integer", "enum": [0]}]},
}
ANY_OF = "May be given several times: any of the values."
MOMENT = """RFC 3339 with offset, or local: `2026-11-11`, `2026-11-11T08:30`, `2026-11-11T08:30:00.5`."""


def _text(name, description, **more):
    return OpenApiParameter(name, str, description=description, **more)


def _label(name, label):
    """A parameter that filters by a label of the registry."""
    values = {"type": "array", "items": VALUES.get(label.name, {"type": "string"})}
    text = f"All but these values of `{label.name}`." if name.startswith(NOT) else f"{label.description} {ANY_OF}"
    return OpenApiParameter(name, values, description=text, explode=True)


FILTER = [
    OpenApiParameter(
        "range",
        {"type": "string", "pattern": RANGE},
        description="`today`, `yesterday`, `this_week`, `last_week`, `this_month`, `last_month`: whole local days, "
        "weeks from Monday on; `1h` to `168h`: from the quarter hour that contains so many hours ago, open to the end; "
        "`1d` to `366d`: so many local days, today included; `all` (the default): from the first event; "
        "`custom` (the default when start or end is given): from `start` to before `end`.",
    ),
    _text("start", f"Start of a custom range. {MOMENT}"),
    _text("end", f"End of a custom range, exclusive. {MOMENT}"),
    *(_label(name, label) for name, label in filtering().items()),
    OpenApiParameter(
        "message",
        {"type": "string", "maxLength": MESSAGE_LENGTH},
        description=f"Failures whose body begins with exactly these {MESSAGE_LENGTH} characters, or is this; "
        f"`{NONE}` for none. Looks at kept events only.",
    ),
    _text("request_id", "One request's attempts; a pasted X-CPA-TRACE-ID works too. Looks at kept events only."),
]

_OF_FORMS = {
    EventsForm: [
        OpenApiParameter("page", int, description="From 1; below counts as 1, past the end is the last page."),
        OpenApiParameter(
            "page_size",
            int,
            description=f"One of {', '.join(map(str, PAGE_SIZES))}; anything else counts as {PAGE_SIZE}.",
        ),
        _text(
            "before", "An event_key: the page begins below that event, whatever arrives meanwhile; `page` is left out."
        ),
        _text(
            "order",
            f"The highest first, of at most {SEARCHED:,} attempts in the range; its pages hold the first {LISTED:,}.",
            enum=["", *ORDERS],
            default=ORDERS[0],
        ),
    ],
    YearForm: [
        OpenApiParameter(
            "year",
            {"type": "integer", "minimum": FIRST_YEAR, "maximum": LAST_YEAR - 1},
            description="The year shown; that of `day`, else the current one.",
        ),
        OpenApiParameter("day", {"type": "string", "format": "date"}, description="The local day shown in detail."),
    ],
}


def parameters_of(form) -> list[OpenApiParameter]:
    """Those of a form class; every other form than these has choices and texts alone."""
    return _OF_FORMS.get(form) or [_of_field(name, field) for name, field in form.base_fields.items()]


def _of_field(name, field):
    limits = {"enum": list(field.choices()), "default": field.default} if isinstance(field, Choice) else {}
    return _text(name, field.help_text, **limits)


REQUEST_ID = OpenApiParameter(
    "request_id", str, OpenApiParameter.PATH, description="CPA's id of the request, or its X-CPA-TRACE-ID."
)

EVENT_KEY = OpenApiParameter(
    "event_key",
    {"type": "string", "pattern": f"^{KEY.pattern}$"},
    OpenApiParameter.PATH,
    description="The `event_key` of a row of /usage/events.",
)
