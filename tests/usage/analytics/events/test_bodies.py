"""The text of an error body."""

import pytest

from usage.analytics.events.bodies import spoken

PAGE = "<!DOCTYPE html>\n<!--[if IE]> x <![endif]-->\n<html><head><style>a{}</style>%s</head><body>%s</body></html>"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("", ""),
        ("unexpected EOF", "unexpected EOF"),
        ('{"error": {"code": 429, "message": "Slow \\"down\\",\\nplease"}}', 'Slow "down",\nplease'),
        ('{"type": "error", "error": {"type": "x", "message": "Overl', "Overl"),
        ('{"message": "\\u4e0a\\u6e', "\\u4e0a\\u6e"),
        ('{"error": "invalid_grant", "error_description": "Refresh token expired"}', "Refresh token expired"),
        ('{"detail": "Not Found"}', "Not Found"),
        ('[{"error": {"message": "API key not valid"}}]', "API key not valid"),
        ('event: error\ndata: {"error": {"message": "Overloaded"}}\n\n', "Overloaded"),
        ('{"error": {"message": "{\\"error\\": {\\"message\\": \\"inside\\"}}"}}', "inside"),
        ('{"code": 5}', '{"code": 5}'),
        ('["message": "x"]', '["message": "x"]'),
        (PAGE % ("<title>\n 502:\n Bad gateway </title>", "<h1>x</h1>"), "502: Bad gateway"),
        (PAGE % ("<script>var a = 1</script>", " <h1>Blocked</h1><p>more</p>"), "Blocked"),
        (PAGE[:40], PAGE[:40]),
        ("<nil>", "<nil>"),
        ('{"error": {"message": "<html><title>504</title>"}}', "504"),
    ],
)
def test_a_body_is_read_for_its_text(body, text):
    assert spoken(body) == text
