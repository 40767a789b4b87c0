"""Reports of the connection to CPA are stored in English, for logs and the API; pages say them in their language."""

import re
from functools import cache

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

# Of catalog/client.py, problems.py, cpa.py and keymemory.py, and of the drain's queue.
SENTENCES = (
    _("CPA does not answer at %(address)s (%(reason)s)."),
    _("Is it running? Set CPA_BASE_URL to its address."),
    _("CPA did not answer %(path)s in full within %(seconds)s seconds."),
    _("The connection to CPA broke at %(path)s (%(reason)s)."),
    _("CPA answers %(status)s for %(name)s: %(reason)s."),
    _("CPA_BASE_URL is not set: set it to the address of CPA."),
    _("CPA_MANAGEMENT_KEY is not set: set it to the secret-key of CPA."),
    _("CPA's queue at %(address)s does not answer: %(reason)s."),
    _("The connection to CPA's queue broke: %(reason)s."),
    _("CPA closed the connection between two pops: if it was restarted, what waited in its queue is lost."),
    _("CPA's management API does not answer:"),
    _("CPA's management API broke off:"),
    _("CPA's management API answers %(status)s:"),
    _("CPA refuses the management key (%(reason)s)."),
    _("CPA refuses the management key:"),
    _("CPA has banned our address: %(reason)s."),
    _("Set CPA_MANAGEMENT_KEY to the remote-management secret-key of CPA's config."),
    _("Another process tries the management key for the first time: wait for what CPA says."),
    _("It is tried again at %(at)s."),
    _("Before that, a sync, manage.py doctor or a restart of the drain may try it once."),
    _("Another key, once it is set, is tried at once; a restart of CPA ends this as well."),
    _("It was refused three times, and two more would ban our address; a restart of CPA ends this as well."),
    _("A restart of CPA ends the ban as well."),
    _("CPA does not confirm the subscription."),
    _("CPA fell silent."),
)


def reported(text: str) -> str:
    """The sentences of a report in the reader's language, as far as they are ours."""
    for sentence, pattern in _patterns().items():
        text = pattern.sub(lambda found, sentence=sentence: gettext(sentence) % found.groupdict(), text)
    return text


@cache
def _patterns() -> dict[str, re.Pattern]:
    """What finds each sentence in a text."""
    return {each: re.compile(re.sub(r"%\\\((\w+)\\\)s", r"(?P<\1>.+?)", re.escape(each))) for each in SENTENCES}
