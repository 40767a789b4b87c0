"""The catalogue as genai-prices publishes it between its releases: fetched, read and checked. It loads that package."""

import json
import time
from typing import NamedTuple

import httpx
from genai_prices import types
from genai_prices.data import providers as packaged

from pricing.catalogue.matching import resolve, seller_of
from pricing.catalogue.package import RATES, price_sets
from pricing.rates import MOST_FEE, MOST_USD_PER_MILLION, PICO

MOST_BYTES = 32 << 20
SECONDS = 60
MOST_TOKENS = 10**9  # as a step of context
LONGEST_PROVIDER, LONGEST_ENTRY = 64, 255
PLAIN = ("identity", "gzip")  # of gzip a piece swells to 66 MB at most; other packings, or several, to gigabytes
LEAST_SHARE = 2  # half as many models as the installed package knows
UNREADABLE = "What it published cannot be read by the installed genai-prices ({})."


class Useless(Exception):
    """Nothing came that can be used; the message is a sentence for people."""


class Published(NamedTuple):
    """A catalogue as it was published, and the tag by which its publisher knows it."""

    body: bytes
    etag: str


def fetch(url: str, etag: str = "") -> Published | None:
    """What is published at an address; None while it is what it was when it had this tag.

    Raises Useless for any other answer than 200 and 304, for one that is late or too large, and when none comes.
    """
    ends, headers = time.monotonic() + SECONDS, {"Accept-Encoding": "gzip"}
    if etag:
        headers["If-None-Match"] = etag.encode()  # httpx refuses text that is not ASCII
    try:
        with httpx.stream("GET", url, headers=headers, timeout=SECONDS / 4) as reply:
            if reply.status_code == httpx.codes.NOT_MODIFIED and etag:
                return None
            if reply.status_code != httpx.codes.OK:
                raise Useless(f"Its publisher answered with status {reply.status_code}.")
            if reply.headers.get("content-encoding", "identity").lower() not in PLAIN:
                raise Useless("Its publisher packed it in another way than gzip.")
            return Published(_body(reply, ends), reply.headers.get("etag", "")[:255])
    except httpx.TimeoutException:
        raise Useless(f"Its publisher did not answer in full within {SECONDS} seconds.") from None
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise Useless(f"Its publisher could not be reached ({type(error).__name__}).") from None


def _body(reply, ends) -> bytes:
    body = bytearray()
    for chunk in reply.iter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            raise Useless(f"What it published is larger than {MOST_BYTES >> 20} MB.")
        if time.monotonic() > ends:
            raise httpx.ReadTimeout("")
    return bytes(body)


def read(body: bytes) -> list[types.Provider]:
    """The providers of a published catalogue; Useless unless all of it can be read and is plausible."""
    try:
        found = parsed(body)
        _check(found)
    except Useless:
        raise
    except Exception as error:  # whatever a later form of the data does to an older package
        raise Useless(UNREADABLE.format(type(error).__name__)) from None
    return found


def parsed(body: bytes) -> list[types.Provider]:
    """The providers of a catalogue that read() has found well.

    As UpdatePrices.fetch() of the package reads it, which offers no public way to do so without fetching.
    """
    raw = json.loads(body)
    return types._providers_from_raw(raw) if isinstance(raw, list) else []


def _check(found):
    """Refuse a catalogue of few models, or one with an impossible amount, a bad name or a broken pattern."""
    models = [(provider, model) for provider in found for model in provider.models]
    known = sum(len(provider.models) for provider in packaged)
    if len(models) * LEAST_SHARE < known:
        raise Useless(f"It lists {len(models)} models, and {known} are known.")
    for provider, model in models:
        if not all(_is_sane(price) for price in _prices(model)):
            raise Useless(f"It has an impossible price for {provider.id}/{model.id}.")
        if len(provider.id) > LONGEST_PROVIDER or len(f"{provider.id}/{model.id}") > LONGEST_ENTRY:
            raise Useless(f"It has a model of an overlong name at {provider.id[:LONGEST_PROVIDER]}.")
        if not f"{provider.id}{model.id}".isprintable():
            raise Useless("It has a model whose name cannot be written.")
        price_sets(model)
    # Every pattern is tried once, so that none can break a later look-up.
    seller_of("", "https://nowhere.example", found)
    resolve("no such model", [""], found, price_sets)


def _prices(model):
    """Every price of a model, whatever its condition."""
    standard = [model.prices] if isinstance(model.prices, types.ModelPrice) else [c.prices for c in model.prices]
    return [*standard, *(variant.prices for variant in model.price_variants or ())]


def _is_sane(price):
    for key in RATES.values():
        value = getattr(price, key)
        tiers = getattr(value, "tiers", ())
        amounts = [getattr(value, "base", value), *(tier.price for tier in tiers)]
        most = MOST_FEE * 1000 // PICO if key == RATES["request"] else MOST_USD_PER_MILLION
        if not all(0 <= tier.start <= MOST_TOKENS for tier in tiers):
            return False
        if not all(amount is None or (amount.is_finite() and 0 <= amount <= most) for amount in amounts):
            return False
    return True
