"""What a list of requests that is empty can offer: which change of its query finds some."""

from typing import NamedTuple

from django.http import QueryDict
from django.utils.translation import gettext as _

from usage.analytics.events.paging import counted
from usage.dashboard.links import PERIOD, changed
from usage.dashboard.panels.chips import chips_of
from usage.models.labels import FAILED
from usage.ops.checklist import checklist
from usage.query.forms import UsageFilterForm, checked
from usage.query.snapshots import snapshot

MOST = 10  # filters that are tried without, one by one


class Way(NamedTuple):
    """A change in words, the query with it, and how many attempts that finds."""

    words: str
    query: QueryDict
    count: int


def nothing(request, failed: bool = False) -> dict:
    """The context of parts/ways_out.html: whether nothing was recorded ever, else what else could be asked.

    Who sees a shared page cannot ask anything else.
    """
    if checklist(request.watch):
        return {"unrecorded": True}
    if hasattr(request, "shared"):
        return {}
    wanted = request.query.get("request_id")
    if wanted and not _count(_changed(QueryDict(), {"range": "all", "request_id": wanted}), failed=False):
        return {"unknown_id": wanted}
    return {"ways": ways_out(request.query, failed)}


@snapshot()
def ways_out(query: QueryDict, failed: bool) -> list[Way]:
    """Each filter without which there would be some, or all filters where no single one is to blame; then the range.
    Of very many filters the first alone are tried.

    `failed`: only failures count.
    """
    chips = chips_of(query)
    single = [(_("Without %s") % chip.words, chip.without) for chip in chips[:MOST]]
    bare = _changed(QueryDict(), {name: query.get(name) for name in PERIOD})
    ways = _found(single, failed) or _found([(_("Without filters"), bare)] * (len(chips) > 1), failed)
    widened = _changed(query, {"start": None, "end": None, "range": "all"})
    return ways + _found([(_("At any time"), widened)] * (query.get("range") != "all"), failed)


def _changed(query, values):
    return QueryDict(changed(query, values).removeprefix("?"))


def _found(changes, failed):
    found = (Way(words, query, _count(query, failed)) for words, query in changes)
    return [way for way in found if way.count]


def _count(query, failed):
    asked = query.copy()
    if failed:
        asked["result"] = FAILED
    return counted(checked(UsageFilterForm(asked)).usage_filter())
