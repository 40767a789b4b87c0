"""The addresses of the web server: the one it listens on, and the ones to open."""

from django.conf import settings

ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def listening() -> str:
    """host:port as gunicorn binds it."""
    return _joined(settings.APP_HOST)


def dashboard() -> str:
    """The address to open in a browser: APP_PUBLIC_URL, or this machine's when it is not set."""
    return f"{settings.APP_PUBLIC_URL or local()}{settings.APP_BASE_PATH}/"


def local() -> str:
    """The web server's address for programs on this machine, without the base path."""
    return f"http://{_joined(ANY_HOST.get(settings.APP_HOST, settings.APP_HOST))}"


def _joined(host):
    return f"[{host}]:{settings.APP_PORT}" if ":" in host else f"{host}:{settings.APP_PORT}"
