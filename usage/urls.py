"""Addresses of the pages."""

from django.urls import path
from django.views.i18n import set_language

from usage import views, views_filters, views_session

urlpatterns = [
    path("", views.overview, name="overview"),
    path("filters/", views_filters.filters, name="filters"),
    path("login/", views_session.login, name="login"),
    path("logout/", views_session.logout, name="logout"),
    path("theme/", views_session.theme, name="theme"),
    path("language/", set_language, name="language"),
]
