"""Addresses of the pages."""

from django.urls import path, re_path
from django.views.i18n import set_language

from usage.dashboard.views import filters as views_filters
from usage.dashboard.views import manage as views_manage
from usage.dashboard.views import overviews as views
from usage.dashboard.views import requests as views_requests
from usage.dashboard.views import session as views_session

urlpatterns = [
    path("", views.overview, name="overview"),
    path("requests/", views_requests.requests, name="requests"),
    re_path(r"^requests\.(?P<form>csv|jsonl)$", views_requests.export, name="export"),
    path("requests/columns/", views_requests.columns, name="columns"),
    path("requests/<str:event_key>/", views_requests.request_detail, name="request"),
    path("requests/<str:event_key>/log/", views_requests.request_log, name="request_log"),
    path("analysis/", views.analysis, name="analysis"),
    path("analysis/failures/", views.failures, name="failures"),
    path("health/", views.health, name="health"),
    path("accounts/", views.accounts, name="accounts"),
    path("prices/", views_manage.prices, name="prices"),
    path("prices/set/", views_manage.price, name="price"),
    path("keys/", views_manage.keys, name="keys"),
    path("keys/name/", views_manage.alias, name="alias"),
    path("system/", views_manage.system, name="system"),
    path("system/sync/", views_manage.sync, name="sync"),
    re_path(r"^system/(?P<name>statistics_enabled|request_log_enabled)/$", views_manage.switch, name="switch"),
    path("filters/", views_filters.filters, name="filters"),
    path("login/", views_session.login, name="login"),
    path("logout/", views_session.logout, name="logout"),
    path("theme/", views_session.theme, name="theme"),
    path("language/", set_language, name="language"),
]
