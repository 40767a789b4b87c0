"""Gaps as pages and API tell them."""

import re
from datetime import datetime
from typing import Annotated

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Meta, Struct

from catalog.models import accounts
from usage.models import Gap
from usage.time.words import length_in_words, written

GAPS_SHOWN = 100


class LostBy(Struct, frozen=True):
    """How many records of an account were lost."""

    auth_index: str
    name: Annotated[str, Meta(description="The account; its auth_index where that is not known.")]
    lost: int


class GapRow(Struct, frozen=True):
    """A span in which records may have been lost."""

    id: int
    start: datetime
    end: datetime
    reason: str
    lost: Annotated[int | None, Meta(description="How many records, where that is known.")]
    lost_by: Annotated[list[LostBy], Meta(description="Those of each account, where that is known, most first.")]
    times: Annotated[int, Meta(description="How many gaps that followed one another this row stands for.")]
    dismissed_at: Annotated[datetime | None, Meta(description="When a person put it aside: it raises no notice.")]


def rows(gaps=None) -> list[GapRow]:
    """These gaps, or the latest 100, newest first."""
    found = list((Gap.objects.all() if gaps is None else gaps)[:GAPS_SHOWN])
    known = accounts({index for gap in found for index in gap.lost_by})
    return [_row(gap, known) for gap in found]


def _row(gap, known):
    most_first = sorted(gap.lost_by.items(), key=lambda pair: (-pair[1], pair[0]))
    lost_by = [LostBy(index, known[index].display if index in known else index, lost) for index, lost in most_first]
    fields = {name: getattr(gap, name) for name in GapRow.__struct_fields__}
    return GapRow(**fields | {"lost_by": lost_by})


def sentence_of(gap) -> str:
    """A sentence for a notice: how many records were lost, or may have been, and when."""
    if gap.lost is None:
        return _("Records may have been lost: %(when)s.") % {"when": when(gap)}
    lost = ngettext("%(count)s record was lost: %(when)s.", "%(count)s records were lost: %(when)s.", gap.lost)
    return lost % {"count": f"{gap.lost:,}", "when": when(gap)}


def when(gap) -> str:
    """`for 1 s at 12:19:21`, or `12:19:21–12:25:03, 5 min 42 s, 20 times`; local, with the day unless it is today."""
    start, end = timezone.localtime(gap.start), timezone.localtime(gap.end)
    since, seconds = _at(start, timezone.localdate()), (gap.end - gap.start).total_seconds()
    length = length_in_words(round(seconds)) or _("< 1 s")
    if seconds < 60:
        text = _("for %(length)s at %(start)s") % {"length": length, "start": since}
    else:
        facts = {"start": since, "end": _at(end, start.date()), "length": length}
        text = _("%(start)s–%(end)s, %(length)s") % facts
    return text + _(", %(count)s times") % {"count": gap.times} if gap.times > 1 else text


def reason(gap) -> str:
    """The reason; our own sentences are translated, whatever numbers they contain."""
    return ". ".join(map(_translated, gap.reason.rstrip(".").split(". ")))


def _translated(sentence):
    pattern = re.sub(r"\d+", "%s", sentence.replace("%", "%%"))
    return _(pattern) % tuple(re.findall(r"\d+", sentence))


def _at(moment, day):
    return written(moment, "H:i:s" if moment.date() == day else "j M, H:i:s")
