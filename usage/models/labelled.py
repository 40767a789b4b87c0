"""Labels of many series at once, by name: what groups totals for people."""

from typing import NamedTuple

COLUMNS = (
    *("model__name", "provider", "endpoint", "source", "source_display", "auth_index"),
    *("api_key__fingerprint", "api_key__mask", "api_key__alias", "requested_model", "reasoning_effort", "tier"),
)


def group_of(key: str, key_name: str, provider: str, endpoint: str) -> tuple[str, str]:
    """(key, display) of who is to be named for the usage: the client key, else provider, endpoint, unknown."""
    name = provider or endpoint or "unknown"
    return (key, key_name) if key else (name, name)


def key_name(alias: str, mask: str) -> str:
    """What people call a client key."""
    return alias or mask or "no key"


class Labelled(NamedTuple):
    """The labels of a series that answers name; a hundredth of what the rows of model, key and series would cost."""

    model: str
    provider: str
    endpoint: str
    source: str
    source_display: str
    auth_index: str
    key: str
    key_mask: str
    key_alias: str
    requested_model: str
    reasoning_effort: str
    tier: str

    @property
    def key_name(self):
        """What people call the key."""
        return key_name(self.key_alias, self.key_mask)

    @property
    def group(self):
        """(key, display) of who is to be named for the usage."""
        return group_of(self.key, self.key_name, self.provider, self.endpoint)

    @property
    def account(self):
        """(source, how to show it, auth_index): what tells one upstream account from another."""
        return self.source, self.source_display, self.auth_index


def labelled(series) -> dict[int, Labelled]:
    """The labels of a queryset of Series, by id."""
    return {id: Labelled(*labels) for id, *labels in series.order_by().values_list("id", *COLUMNS)}
