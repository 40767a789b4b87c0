"""Addresses below api/v1/."""

from django.urls import path

from aliases import accountnames, api

urlpatterns = [
    path("aliases", api.aliases),
    path("aliases/export", api.export),
    path("aliases/import", api.import_),
    path("account-names", accountnames.account_names),
]
