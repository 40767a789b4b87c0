"""One map of addresses. The base path is cut off before Django sees a request (mount.py), so it is not named here."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from cpa_usage import api
from cpa_usage.auth import adminlogin, sessionlist, signin
from cpa_usage.logs import logs_turns
from usage.metrics.view import metrics
from usage.ops.readiness import readyz

handler400 = "cpa_usage.http.errors.bad_request"
handler403 = "cpa_usage.http.errors.forbidden"
handler404 = "cpa_usage.http.errors.not_found"
handler500 = "cpa_usage.http.errors.server_error"

READS = ["get", "head"]

v1 = [
    path("ping", api.ping),
    path("auth/session", signin.session),
    path("auth/login", signin.login),
    path("auth/logout", signin.logout),
    path("auth/sessions", sessionlist.sessions),
    path("auth/sessions/<session_id>", sessionlist.session),
    path("", include("usage.api.urls")),
    path("", include("catalog.urls")),
    path("", include("pricing.api.urls")),
    path("", include("aliases.urls")),
]

urlpatterns = [
    path("", include("usage.dashboard.urls")),
    path("api/v1/", include(v1)),
    path("api/schema/", SpectacularAPIView.as_view(http_method_names=READS), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(http_method_names=READS), name="docs"),
    path("admin/login/", adminlogin.login),
    path("admin/logout/", adminlogin.logout),
    path("admin/", admin.site.urls),
    path("metrics", metrics),
    path("healthz", api.healthz),
    path("readyz", logs_turns(readyz)),
]
