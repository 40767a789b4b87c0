"""Addresses below api/v1/."""

from django.urls import path

from usage.api import views as api

urlpatterns = [
    path("status", api.status),
    path("models/used", api.models_used),
    path("usage/overview", api.overview),
    path("usage/health", api.health),
    path("usage/analysis", api.analysis),
    path("usage/credentials", api.credentials),
    path("usage/events", api.events),
    path("usage/events/filters", api.filters),  # before the next: no event key is such a word
    path("usage/events/<event_key>", api.event),
    path("usage/events/<request_id>/log", api.request_log),
    path("usage/events/<request_id>/log/raw", api.raw_request_log),
]
