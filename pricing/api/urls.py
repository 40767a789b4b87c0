"""Addresses below api/v1/."""

from django.urls import path

from pricing.api import views

urlpatterns = [
    path("pricing", views.pricing),
    path("pricing/<path:model>", views.price),
]
