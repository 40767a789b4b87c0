"""Where the web server listens, and where a browser finds it."""

from django.conf import settings

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def listening() -> str:
    """host:port as gunicorn binds it."""
    return _joined(settings.APP_HOST)


def dashboard() -> str:
    """The address to open: APP_PUBLIC_URL's when there is one, else this machine's."""
    return f"{settings.APP_PUBLIC_URL or local()}{settings.APP_BASE_PATH}/"


def local() -> str:
    """How this machine itself reaches the web server, without the base path."""
    return f"http://{_joined(EVERYWHERE.get(settings.APP_HOST, settings.APP_HOST))}"


def _joined(host):
    return f"[{host}]:{settings.APP_PORT}" if ":" in host else f"{host}:{settings.APP_PORT}"
