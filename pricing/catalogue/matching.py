"""Finds the entry of a model in a price catalogue. Pure: a catalogue is a list of providers, each with listed models.

CPA names a route (its provider) and the upstream's name of the model. These are tried in order: the provider of the
route, then `org/name` at the org and at OpenRouter, then the model's maker, then any provider that lists the name.
Where two entries differ in price the maker's counts; where that does not settle it, nothing is guessed.
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
COMPATIBLE = "openai-compatible-"
# Orgs as OpenRouter and others spell them, where the catalogue's provider is called otherwise.
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


class Unmatched(Exception):
    """No entry, or no single one; the message is shown to users."""


def resolve(name: str, routes: Iterable[str], providers: list, price_of: Callable[[Any], Any]) -> Match:
    """The entry of a model reached over these routes (CPA's providers).

    `price_of` gives a price that can be compared. Raises Unmatched when there is no entry, or several of different
    prices.
    """
    name = name.strip().lower().removeprefix("models/")
    sellers = {_seller(route, providers) for route in routes} or {None}
    found = [match for seller in sorted(sellers, key=str) if (match := _sold_by(seller, name, providers))]
    if not found:
        found = [match for provider in providers if (match := _listed(provider, name))]
    if not found:
        raise Unmatched(UNKNOWN)
    if len({price_of(match.info) for match in found}) == 1:
        return found[0]
    if (made := _made(name, providers)) in found:
        return made
    raise Unmatched(AMBIGUOUS.format(", ".join(match.provider for match in found)))


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


def _seller(route: str, providers) -> str | None:
    """The catalogue's id of the provider that a route leads to; None when unknown."""
    name = route.lower()
    if not name.startswith(COMPATIBLE):
        return ROUTES.get(name)
    words = f"-{re.sub('[^a-z0-9]+', '-', name.removeprefix(COMPATIBLE))}-"
    known = [provider.id for provider in providers if f"-{provider.id}-" in words]
    return max(known, key=len, default=None)


def _sold_by(seller, name, providers) -> Match | None:
    """The seller's entry, else the maker's."""
    by_id = {provider.id: provider for provider in providers}
    if seller is not None:
        fallbacks = by_id[seller].fallback_model_providers or ()
        for provider in (by_id[seller], *(by_id[id] for id in fallbacks if id in by_id)):
            if match := _listed(provider, name):
                return match
    return _made(name, providers)


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
    for spelling in spellings(name):
        entries = [m for m in provider.models if m.id.lower().endswith(FREE) == is_free(name)]
        for info in entries:
            if info.is_match(spelling):
                return Match(provider.id, info)
        ends = [info for info in entries if info.id.lower().endswith(f"/{spelling}")]
        if len(ends) == 1:
            return Match(provider.id, ends[0])
    return None
