"""Addresses below api/v1/."""

from django.urls import path

from usage.api import panels
from usage.api import views as api

urlpatterns = [
    path("status", api.status),
    path("models/used", api.models_used),
    path("usage/overview", api.overview),
    path("usage/health", api.health),
    path("usage/analysis", api.analysis),
    path("usage/credentials", api.credentials),
    path("usage/timeline", panels.timeline),
    path("usage/breakdown", panels.breakdown),
    path("usage/matrix", panels.matrix),
    path("usage/comparison", panels.comparison),
    path("usage/token-classes", panels.token_classes),
    path("usage/latency", panels.latency),
    path("usage/medians", panels.medians),
    path("usage/failures", panels.failures),
    path("usage/accounts", panels.accounts),
    path("usage/pace", panels.pace),
    path("usage/events", api.events),
    path("usage/events/filters", api.filters),  # before the next: no event key is such a word
    path("usage/events/<event_key>", api.event),
    path("usage/events/<request_id>/log", api.request_log),
    path("usage/events/<request_id>/log/raw", api.raw_request_log),
]
