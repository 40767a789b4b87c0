"""Reports of the connection to CPA are stored in English, for logs and the API; pages say them in their language."""

import re

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


# Words and names of values in turn.
PARTS = {sentence: re.split(r"%\((\w+)\)s", sentence) for sentence in SENTENCES}


def reported(text: str) -> str:
    """A report with its sentences, where they are ours, in the reader's language."""
    for sentence in SENTENCES:
        text = _translated(sentence, text)
    return text


def _translated(sentence, text):
    """The text with this sentence, where it occurs first, in the reader's language."""
    words, *rest = PARTS[sentence]
    start = text.find(words)
    if start < 0:
        return text
    at, values = start + len(words), {}
    for name, words in zip(rest[::2], rest[1::2], strict=True):
        end = text.find(words, at)
        if end < 0:
            return text
        values[name], at = text[at:end], end + len(words)
    return text[:start] + gettext(sentence) % values + text[at:]
