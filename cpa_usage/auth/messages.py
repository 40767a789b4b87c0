"""Messages of one page to the next, in a cookie: it may hold a new token, so it is sent below our base path alone."""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class MountedCookieStorage(CookieStorage):
    """Django's, which has no setting for the path of its cookie."""

    def _update_cookie(self, encoded_data, response):
        super()._update_cookie(encoded_data, response)
        if self.cookie_name in response.cookies:
            response.cookies[self.cookie_name]["path"] = settings.COOKIE_PATH


class MessageStorage(FallbackStorage):
    """In the cookie, and what is too long for it in the session."""

    storage_classes = (MountedCookieStorage, SessionStorage)
