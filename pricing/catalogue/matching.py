"""Finds the entry of a model in a price catalogue. Pure: a catalogue is a list of providers, each with listed models.

CPA names a route: its provider, and the account whose base URL may be known. These tell the seller, in this order: the
base URL, then the provider's name. The model is looked up at the seller, then `org/name` at the org and at OpenRouter,
then at the model's maker, then at any provider that lists the name. Sellers may ask different prices; where nothing
says which one counts, nothing is guessed.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

# CPA's providers by the catalogue's names; the rest of `openai-compatible-…` is chosen by the user.
ROUTES = {
    "claude": "anthropic",
    "codex": "openai",
    "openai": "openai",
    "gemini": "google",
    "gemini-cli": "google",
    "gemini-interactions": "google",
    "vertex": "google",
    "aistudio": "google",
    "antigravity": "google",
    "xai": "x-ai",
    "kimi": "moonshotai",
}
COMPATIBLE = "openai-compatible-"  # before the user's own name of a vendor; older versions of CPA leave it out
# Orgs and vendors as OpenRouter and others spell them, where the catalogue's provider is called otherwise.
ORGS = {"z-ai": "zai", "zai-org": "zai", "mistralai": "mistral", "moonshot": "moonshotai", "deepseek-ai": "deepseek"}
BRACKETS = re.compile(r"\([^()]*\)$")
THINKING = re.compile(r"-thinking(-(minimal|low|medium|high|xhigh|\d+))?$")
EFFORT = re.compile(r"-(minimal|low|medium|high|xhigh)$")
STAMP = re.compile(r"-(20\d{6}|20\d\d-\d\d-\d\d)$")
FREE = ":free"
UNKNOWN = "The catalogue lists no model of this name."
AMBIGUOUS = "Ambiguous: {} list it at different prices."


class Match(NamedTuple):
    """A provider's id, and the model as it lists it."""

    provider: str
    info: Any

    def __str__(self):
        return f"{self.provider}/{self.info.id}"


class Resolved(NamedTuple):
    """The entries of a model: for all its usage (None: nothing decides), by seller, and those it could be instead.

    Without a default and candidates there is no entry.
    """

    default: Match | None
    by_seller: dict[str, Match]
    candidates: list[Match]


def resolve(  # noqa: PLR0917  what each rule needs
    name: str,
    sellers: Iterable[str],
    providers: list,
    price_of: Callable[[Any], Any],
    followed: str = "",
    chosen: str = "",
) -> Resolved:
    """The entries of a model that was reached at these sellers (seller_of(); "" is an unknown one).

    `price_of` gives a price that can be compared. The entry that is `followed` so far counts; where prices differ, then
    the maker's; an entry that a person has `chosen` counts before anything. Both are named provider/id.
    """
    name = name.strip().lower().removeprefix("models/")
    by_seller = {seller: m for seller in sorted(sellers) or [""] if (m := _sold_by(seller, name, providers))}
    needed = providers if chosen or not by_seller else ()
    listings = [match for provider in needed if (match := _listed(provider, name))]
    found = [*by_seller.values()] or listings
    if picked := next((match for match in [*found, *listings] if str(match) == chosen), None):
        return Resolved(picked, by_seller, listings)
    default = next((match for match in found if str(match) == followed), None)
    if default is None and len({price_of(match.info) for match in found}) == 1:
        default = found[0]
    if default is None and (made := _made(name, providers)) in found:
        default = made
    return Resolved(default, by_seller, [] if default else found)


def ambiguous(candidates: list[Match]) -> str:
    """Why nothing is decided, in a sentence for users."""
    return AMBIGUOUS.format(", ".join(dict.fromkeys(match.provider for match in candidates)))


def is_free(name: str) -> bool:
    """Whether the name ends in OpenRouter's mark of free models."""
    return BRACKETS.sub("", name.strip().lower()).endswith(FREE)


def spellings(name: str) -> list[str]:
    """The name, then without CPA's suffixes and a date stamp, then as a preview; each spelling once."""
    bare = BRACKETS.sub("", name)
    plain = THINKING.sub("", bare)
    undated = STAMP.sub("", plain)
    mild = EFFORT.sub("", plain)
    return list(dict.fromkeys([name, bare, plain, undated, mild, f"{bare}-preview", f"{mild}-preview"]))


def seller_of(provider: str, base_url: str, providers: list) -> str:
    """The catalogue's id of the provider that a route of CPA leads to; "" when unknown."""
    address = base_url.strip().lower()
    if address and (at := next((p.id for p in providers if re.match(p.api_pattern, address)), "")):
        return at
    name = provider.lower()
    if name in ROUTES:
        return ROUTES[name]
    ids = {p.id: p.id for p in providers} | ORGS
    words = f"-{re.sub('[^a-z0-9]+', '-', name.removeprefix(COMPATIBLE))}-"
    known = [spelling for spelling in ids if f"-{spelling}-" in words]
    return ids[max(known, key=len)] if known else ""


def _sold_by(seller, name, providers) -> Match | None:
    """The seller's entry, else the maker's."""
    by_id = {provider.id: provider for provider in providers}
    fallbacks = by_id[seller].fallback_model_providers if seller in by_id else None
    found = (_listed(by_id[id], name) for id in (seller, *(fallbacks or ())) if id in by_id)
    return next(filter(None, found), None) or _made(name, providers)


def _made(name, providers) -> Match | None:
    """The maker's entry: of the org in `org/name` (else OpenRouter), or of the provider that owns names like this."""
    by_id = {provider.id: provider for provider in providers}
    org, slash, rest = name.partition("/")
    if slash:
        candidates = ((by_id.get(ORGS.get(org, org)), rest), (by_id.get("openrouter"), name))
    else:
        candidates = ((p, name) for p in providers if p.model_match is not None and p.model_match.is_match(name))
    return next((match for provider, ref in candidates if provider and (match := _listed(provider, ref))), None)


def _listed(provider, name) -> Match | None:
    """The provider's entry for the first spelling it knows; free and paid entries are never mistaken for each other."""
    free = is_free(name)
    entries = [info for info in provider.models if info.id.lower().endswith(FREE) == free]
    for spelling in spellings(name):
        for info in entries:
            if info.is_match(spelling):
                return Match(provider.id, info)
        ends = [info for info in entries if info.id.lower().endswith(f"/{spelling}")]
        if len(ends) == 1:
            return Match(provider.id, ends[0])
    return None
