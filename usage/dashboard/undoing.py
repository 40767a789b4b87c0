"""Taking a change back: the message about it has a button that holds what there was before, signed, for an hour."""

from hashlib import blake2b

from django.core import signing
from django.db import transaction
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from msgspec import convert, json
from rest_framework.exceptions import APIException

from aliases import models as aliases
from aliases.models import SAID, AccountName, ApiKey
from pricing import models as pricing
from pricing.catalogue.listings import DatedCards, Offer
from pricing.models import AccountFee, Model, adjusting

SALT, LASTS_S = "usage.dashboard.undoing", 3600


def _said_of(fingerprint):
    """What is put back for a client key: name, owner and note."""
    return list(ApiKey.objects.filter(fingerprint=fingerprint).values_list(*SAID).first() or [""] * len(SAID))


def _say_again(said, fingerprint):
    ApiKey.objects.describe(fingerprint, **dict(zip(SAID, said, strict=True)))


def _price_of(name, *place):
    """What Model.put_back takes, in plain values; of a model that is not known, no price."""
    found = [model.manual_price(*place) for model in Model.objects.filter(name=name)]
    return _plain(found[0] if found else ([], False))


def _price_again(price, name, *place):
    dated, blocked = price
    for model in Model.objects.filter(name=name):
        model.put_back(convert(dated, list[DatedCards]), blocked, *place)


def _choice_of(name):
    """What Model.put_choice_back takes, in plain values."""
    found = [model.choice() for model in Model.objects.filter(name=name)]
    return _plain(found[0] if found else ({}, [], False))


def _choose_again(choice, name):
    entry, offers, blocked = choice
    for model in Model.objects.filter(name=name):
        model.put_choice_back(entry, convert(offers, list[Offer]), blocked)


def _name_of(account):
    return AccountName.objects.names().get(account, "")


def _name_again(name, account):
    AccountName.objects.rename(account, name)


def _factors_of(scope, value):
    return _plain(adjusting.adjustments_of(scope, value).values("valid_from", "factor", "request", "note"))


def _factors_again(rows, scope, value):
    adjusting.put_back(scope, value, rows)


def _fees_of(account):
    return _plain(AccountFee.objects.of(account).values("valid_from", "usd_per_month"))


def _fees_again(rows, account):
    AccountFee.objects.put_back(account, rows)


def _plain(parts):
    """A list of them as JSON has them, which is what comes back in a button."""
    return json.decode(json.encode(list(parts)))


# How it is now, how to put that back, and the counter of such changes, which makes others wait.
KINDS = {
    "key": (_said_of, _say_again, aliases.Revision),
    "account": (_name_of, _name_again, aliases.Revision),
    "price": (_price_of, _price_again, pricing.Revision),
    "choice": (_choice_of, _choose_again, pricing.Revision),
    "factor": (_factors_of, _factors_again, pricing.Revision),
    "fee": (_fees_of, _fees_again, pricing.Revision),
}


class Undoable:
    """A change of one of KINDS: made before it, and asked for the message about it afterwards.

    `which`: the fingerprint of a client key; an account; a model's name, a scope and its value; a model's name; a scope
    and its value; an account, by its fingerprint where it is a key.
    """

    def __init__(self, kind: str, *which: str):
        self.kind, self.which = kind, list(which)
        self.before = self._now()

    @property
    def stamp(self) -> str:
        """Tells what there was before from anything else, for a form to carry."""
        return blake2b(json.encode(self.before), digest_size=8).hexdigest()

    def message(self, sentence: str, name: str) -> SafeString:
        """The sentence and the button, as HTML, about what has this name; without the button where nothing changed."""
        after = self._now()
        kept = signing.dumps([self.kind, self.which, self.before, after, name], salt=SALT, compress=True)
        context = {"sentence": sentence, "undo": kept if after != self.before else ""}
        return render_to_string("usage/parts/undo.html", context)

    def _now(self):
        now, *_others = KINDS[self.kind]
        return now(*self.which)


def undo(kept: str) -> str:
    """Put back what a button holds, and say so; APIException where that is too old, or the change was changed since."""
    try:
        kind, which, before, after, name = signing.loads(kept, salt=SALT, max_age=LASTS_S)
    except signing.BadSignature:
        raise APIException(_("This can no longer be undone.")) from None
    now, again, revision = KINDS[kind]
    with transaction.atomic():
        revision.bump()
        if now(*which) != after:
            raise APIException(_("It has been changed since, so nothing is undone."))
        again(before, *which)
    return _("Undone: %(name)s is as it was before.") % {"name": name}
