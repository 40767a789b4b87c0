"""Addresses below api/v1/."""

from django.urls import path

from usage.api import gaps, savedviews, views
from usage.api.questions import QUESTIONS, endpoint

urlpatterns = [
    path("status", views.status),
    path("gaps/<int:gap_id>/dismiss", gaps.dismissal),
    path("notices", views.notices),
    path("models/used", views.models_used),
    path("views", savedviews.views),
    path("views/<int:view_id>", savedviews.view),
    *map(endpoint, QUESTIONS),
    path("usage/export", views.export, name="usage_export"),
    path("usage/events/<event_key>", views.event),  # after the questions: no event key is such a word
    path("usage/events/<request_id>/log", views.request_log),
    path("usage/events/<request_id>/log/raw", views.raw_request_log),
]
