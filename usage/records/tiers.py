"""The service tier that an attempt is billed as: a table of rules. docs/accounting.md names their sources."""

from typing import NamedTuple

from django.utils.translation import gettext_noop as _

STANDARD = ""
# What upstreams and clients call the tiers, and what we do; any other word is the standard tier.
WORDS = {"flex": "flex", "priority": "priority", "fast": "priority", "batch": "batch"}
TIERS = {STANDARD, "fast", *WORDS.values()}  # all that an attempt can be billed as


class Tier(NamedTuple):
    """What an attempt is billed as, and the rule that says so, in a sentence for people, to be translated."""

    name: str
    rule: str


CODEX_OAUTH = _("Codex accounts always answer “default”: the tier asked for counts.")
CLAUDE_FAST = _("CPA turns “priority” on /v1/responses into Claude's fast mode.")
CLAUDE = _("Claude has no tier that a client could ask for on this route.")
ANSWERED = _("The tier that the upstream answered with counts.")
ASKED = _("The upstream did not answer with a tier: the one asked for counts.")
NOT_PASSED_ON = _("CPA does not pass a tier on to this upstream.")
FAILED = _("A failure without an answered tier is billed as standard.")
# Families of executors that pass the tier asked for on to the upstream.
PASSES_ON = {"codex", "xai", "openaicompat"}


def billed_tier(  # noqa: PLR0917  the words of a record
    family: str, auth_type: str, endpoint: str, asked: str, answered: str, failed: bool
) -> Tier:
    """The tier of an attempt of a family of executors (see tokens.py) from the words of its record."""
    asked_tier = WORDS.get(asked.lower(), STANDARD)
    if family == "codex" and auth_type.lower() == "oauth":
        return Tier(asked_tier, CODEX_OAUTH)
    if family == "claude" and not answered:
        if asked_tier == "priority" and "/v1/responses" in endpoint:
            return Tier("fast", CLAUDE_FAST)
        return Tier(STANDARD, CLAUDE)
    if answered:
        return Tier(WORDS.get(answered.lower(), STANDARD), ANSWERED)
    if family not in PASSES_ON:
        return Tier(STANDARD, NOT_PASSED_ON)
    return Tier(STANDARD, FAILED) if failed else Tier(asked_tier, ASKED)
