"""Sign-in, and one view that needs it."""

from django.urls import path

from cpa_usage.auth import sessionlist, signin
from tests.cpa_usage import probe_urls

urlpatterns = [
    path("api/v1/auth/session", signin.session),
    path("api/v1/auth/login", signin.login),
    path("api/v1/auth/logout", signin.logout),
    path("api/v1/auth/sessions", sessionlist.sessions),
    path("api/v1/auth/sessions/<session_id>", sessionlist.session),
    path("api/v1/write", probe_urls.write),
    path("api/v1/rows", probe_urls.rows),
]
