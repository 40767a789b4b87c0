"""Addresses below api/v1/."""

from django.urls import path

from pricing import api

urlpatterns = [
    path("pricing", api.pricing),
    path("pricing/<path:model>", api.price),
]
