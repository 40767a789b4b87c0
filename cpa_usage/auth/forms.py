"""The sign-in form of the admin. Apart from cpa_usage.admin, because the admin's site loads it before it exists."""

from django.conf import settings
from unfold.forms import AuthenticationForm

from cpa_usage.auth.backends import OWNER


class SignInForm(AuthenticationForm):
    """The owner signs in with a password alone; superusers give their name too."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["username"].required = not settings.AUTH_ENABLED
        self.fields["username"].initial = OWNER if settings.AUTH_ENABLED else ""
