"""Addresses below api/v1/."""

from django.urls import path

from pricing.api import adjustments, fees, views

urlpatterns = [
    path("pricing", views.pricing),
    path("pricing/adjustments", adjustments.adjustments),
    path("pricing/<path:model>", views.price),
    path("fees", fees.fees),
]
