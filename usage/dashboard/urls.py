"""Addresses of the pages."""

from django.urls import path, re_path

from usage.dashboard.views import choosing, filters, manage, money, overviews, prices, reconcile, requests, session

urlpatterns = [
    path("", overviews.overview, name="overview"),
    path("requests/", requests.requests, name="requests"),
    re_path(r"^requests\.(?P<form>csv|jsonl|parquet|xlsx)$", requests.export, name="export"),
    path("requests/columns/", requests.columns, name="columns"),
    path("requests/<str:event_key>/", requests.request_detail, name="request"),
    path("requests/<str:event_key>/log/", requests.request_log, name="request_log"),
    path("analysis/", overviews.analysis, name="analysis"),
    path("analysis/failures/", overviews.failures, name="failures"),
    path("health/", overviews.health, name="health"),
    path("accounts/", overviews.accounts, name="accounts"),
    path("accounts/fee/", money.fee, name="fee"),
    path("prices/", prices.prices, name="prices"),
    path("prices/set/", prices.price, name="price"),
    path("prices/adjust/", prices.adjustment, name="adjustment"),
    path("prices/choose/", choosing.choose, name="choose"),
    path("prices/reconcile/", reconcile.reconcile, name="reconcile"),
    path("prices/currency/", money.currency, name="currency"),
    path("keys/", manage.keys, name="keys"),
    path("keys/name/", manage.alias, name="alias"),
    path("statement/", overviews.statement, name="statement"),
    path("system/", manage.system, name="system"),
    path("system/sync/", manage.sync, name="sync"),
    path("system/gaps/dismiss/", manage.gaps, {"verb": "dismiss"}, name="gaps"),
    path("system/gaps/<int:gap_id>/dismiss/", manage.gaps, {"verb": "dismiss"}, name="gaps"),
    path("system/gaps/<int:gap_id>/restore/", manage.gaps, {"verb": "restore"}, name="gaps"),
    re_path(r"^system/(?P<name>statistics_enabled|request_log_enabled)/$", manage.switch, name="switch"),
    path("system/sessions/<str:session_id>/", session.end, name="end_session"),
    path("filters/", filters.filters, name="filters"),
    path("filters/choices/", filters.choices, name="choices"),
    path("login/", session.login, name="login"),
    path("logout/", session.logout, name="logout"),
    path("theme/", session.theme, name="theme"),
    path("language/", session.language, name="language"),
]
