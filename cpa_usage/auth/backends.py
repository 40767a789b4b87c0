"""Signing in to the admin with LOGIN_PASSWORD: a staff user without a password of its own stands for who knows it."""

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.utils.crypto import salted_hmac
from rest_framework.exceptions import APIException

from cpa_usage.auth.signin import check_password

OWNER = "owner"


class OwnerBackend(ModelBackend):
    """Lets in one user, and none while AUTH_ENABLED is false; superusers are the business of the next backend."""

    def authenticate(self, request, username=None, password=None, **kwargs):
        """The owner, for LOGIN_PASSWORD and the name `owner` or none; tries are counted with those of the dashboard."""
        if request is None or not settings.AUTH_ENABLED or username not in ("", OWNER):
            return None
        try:
            check_password(request, password or "")
        except APIException as refusal:
            raise PermissionDenied(refusal.detail) from refusal  # and no other backend is asked
        return owner()

    def get_user(self, user_id):
        """The owner only in a session that was opened with today's LOGIN_PASSWORD."""
        user = super().get_user(user_id)
        if user is None or user.username != OWNER:
            return user
        return _marked(user) if settings.AUTH_ENABLED and settings.LOGIN_PASSWORD else None


def owner() -> User:
    """The owner's row, made on first use."""
    rights = {"is_staff": True, "is_superuser": True, "is_active": True}
    made = {**rights, "password": make_password(None)}
    return _marked(User.objects.update_or_create(username=OWNER, defaults=rights, create_defaults=made)[0])


def _marked(user):
    """In memory its password is a mark of LOGIN_PASSWORD, for Django ends sessions when a user's password changes."""
    mark = salted_hmac("cpa_usage.owner", settings.LOGIN_PASSWORD, algorithm="sha256").hexdigest()
    user.password = UNUSABLE_PASSWORD_PREFIX + mark
    return user
