"""What the admin's sidebar lists."""

from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext

SECTIONS = {
    "": [("Dashboard", "monitoring", "overview")],
    "Costs": [
        ("Models & rate cards", "payments", "pricing_model"),
        ("Price sets", "list", "pricing_priceset"),
        ("Resellers & discounts", "percent", "pricing_adjustment"),
        ("Account fees", "subscriptions", "pricing_accountfee"),
        ("Display currency", "currency_exchange", "pricing_displaycurrency"),
    ],
    "Clients": [("Keys & names", "key", "aliases_apikey")],
    "CPA": [
        ("Accounts", "badge", "catalog_authfile"),
        ("Upstream keys", "dns", "catalog_provider"),
        ("Names of accounts", "label", "aliases_accountname"),
    ],
    "Records": [
        ("Dead letters", "report", "usage_deadletter"),
        ("Gaps", "warning", "usage_gap"),
        ("Collector", "water_drop", "usage_drainstate"),
        ("Columns of bills", "table", "usage_columnmapping"),
    ],
    "Access": [
        ("API tokens", "vpn_key", "cpa_usage_apitoken"),
        ("Saved views", "bookmark", "usage_savedview"),
        ("Shared views", "link", "usage_sharedview"),
    ],
    "Tasks": [
        ("Schedules", "schedule", "django_q_schedule"),
        ("Failures", "error", "django_q_failure"),
        ("Successes", "check_circle", "django_q_success"),
        ("Queue", "pending", "django_q_ormq"),
    ],
}


def icon(request):
    """The icon of the dashboard's pages."""
    return static("usage/icon.svg")


def navigation(request):
    """The sidebar, in the form unfold wants it."""
    return [
        {"title": gettext(title), "items": [_item(*entry) for entry in entries], "separator": bool(title)}
        for title, entries in SECTIONS.items()
    ]


def _item(title, icon, name):
    if name == "overview":  # every address of the admin begins with the dashboard's
        return {"title": gettext(title), "icon": icon, "link": reverse(name), "active": lambda request: False}
    return {"title": gettext(title), "icon": icon, "link": reverse(f"admin:{name}_changelist")}
