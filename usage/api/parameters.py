"""The query parameters of reads of usage, as the OpenAPI schema describes them; usage.query understands them."""

from drf_spectacular.utils import OpenApiParameter

from usage.analytics.paging import EVENT_KEY as KEY
from usage.models.querysets import SAID
from usage.query.filters import FIRST_YEAR, NOTHING, PAGE_SIZE, PAGE_SIZES
from usage.time.periods import LAST_YEAR

RANGE = r"^(today|([1-9]|[1-9]\d|1[0-5]\d|16[0-8])h|[2-7]d|30d|all|custom)?$"
MOMENT = """RFC 3339 with offset, or local: `2026-11-11`, `2026-11-11T08:30`, `2026-11-11T08:30:00.5`."""


def _text(name, description, **more):
    return OpenApiParameter(name, str, description=description, **more)


def _texts(name, description):
    return OpenApiParameter(name, {"type": "array", "items": {"type": "string"}}, description=description, explode=True)


FILTER = [
    OpenApiParameter(
        "range",
        {"type": "string", "pattern": RANGE},
        description="`today`; `1h` to `168h`: from the quarter hour that contains so many hours ago, open to the end; "
        "`2d` to `7d`, `30d`: whole local days, today included; `all` (the default): from the first event; "
        "`custom` (the default when start or end is given): from `start` to before `end`.",
    ),
    _text("start", f"Start of a custom range. {MOMENT}"),
    _text("end", f"End of a custom range, exclusive. {MOMENT}"),
    _texts("model", "Models as billed; any of them."),
    _texts("source", "Accounts: an e-mail or name, or an upstream key or its fingerprint; any of them."),
    _text("auth_index", "The account's index at CPA."),
    _texts("api_key", "Client keys: raw or as fingerprint, `unknown` for none; any of them."),
    _text("result", "Only attempts that succeeded, or only those that failed.", enum=["success", "failed", ""]),
    _text("provider", "The upstream's provider."),
    _text("endpoint", "Method and route, such as `POST /v1/messages`."),
    _text("requested_model", f"The model that clients asked for; `{NOTHING}`, as with any label, where it is empty."),
    _text("reasoning_effort", f"The effort asked for, such as `high`; `{NOTHING}` where none was."),
    _text("tier", f"What it is billed as: `flex`, `priority`, `batch`, or `{NOTHING}` for the standard tier."),
    OpenApiParameter(
        "status",
        {"anyOf": [{"type": "integer", "minimum": 100, "maximum": 599}, {"type": "integer", "enum": [0]}]},
        description="Failures with this status code, 0 for those without one; not those that were older than the kept "
        "detail when statuses began to be counted.",
    ),
    OpenApiParameter(
        "message",
        {"type": "string", "maxLength": SAID},
        description=f"Failures whose body begins with exactly these {SAID} characters, or is this if it is shorter; "
        f"`{NOTHING}` for none. Looks at kept events only.",
    ),
    _text("request_id", "One request's attempts; a pasted X-CPA-TRACE-ID works too. Looks at kept events only."),
]

PAGE = [
    OpenApiParameter("page", int, description="From 1; below counts as 1, past the end is empty."),
    OpenApiParameter(
        "page_size", int, description=f"One of {', '.join(map(str, PAGE_SIZES))}; anything else counts as {PAGE_SIZE}."
    ),
    _text("before", "An event_key: the page begins below that event, whatever arrives meanwhile; `page` is left out."),
]

YEAR = [
    OpenApiParameter(
        "year",
        {"type": "integer", "minimum": FIRST_YEAR, "maximum": LAST_YEAR - 1},
        description="The year shown; that of `day`, else the current one.",
    ),
    OpenApiParameter("day", {"type": "string", "format": "date"}, description="The local day shown in detail."),
]

REQUEST_ID = OpenApiParameter(
    "request_id", str, OpenApiParameter.PATH, description="CPA's id of the request, or its X-CPA-TRACE-ID."
)

EVENT_KEY = OpenApiParameter(
    "event_key",
    {"type": "string", "pattern": f"^{KEY.pattern}$"},
    OpenApiParameter.PATH,
    description="The `event_key` of a row of /usage/events.",
)
