"""Addresses below api/v1/."""

from django.urls import path

from catalog import api

urlpatterns = [
    path("version", api.version),
    path("auth-files", api.auth_files),
    path("provider-metadata", api.provider_metadata),
    path("sync", api.sync),
    path("cpa/statistics", api.statistics),
    path("cpa/request-log", api.request_logging),
]
