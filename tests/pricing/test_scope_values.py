"""What names the usage that a price is for: a key is never kept as it is."""

import pytest

from cpa_usage.keys import fingerprint
from pricing.models.scopes import value_in

KEY = "9f3b2c7d1e5a4b6c8d0e2f4a6b8c0d1e.Qz7Kp2Wm"


@pytest.mark.parametrize(
    ("scope", "text", "kept"),
    [
        ("account", " ann@example.com ", "ann@example.com"),
        ("account", "my-project-123456", "my-project-123456"),
        ("account", "sk-or-v1-0001", fingerprint("sk-or-v1-0001")),
        ("account", KEY, fingerprint(KEY)),  # of a vendor whose keys have no beginning of their own
        ("account", fingerprint(KEY), fingerprint(KEY)),
        ("api_key", "team-blue-laptop-7", fingerprint("team-blue-laptop-7")),
        ("api_key", fingerprint(KEY).upper(), fingerprint(KEY)),
        ("provider", "openai-compatible-relay", "openai-compatible-relay"),
        ("provider", " openai-compatible-302ai ", "openai-compatible-302ai"),  # as records have it
        ("provider", "sk-or-v1-0001", fingerprint("sk-or-v1-0001")),  # pasted into the wrong field
    ],
)
def test_a_key_is_kept_as_its_fingerprint(scope, text, kept):
    assert value_in(scope, text) == kept
