"""Mounting under a base path, behind proxies that strip it and behind those that do not."""

API = "/api/v1/"


class Mounted:
    """WSGI: removes `base` ("/usage", or "" for none) from the path before Django sees it, where it is there.

    FORCE_SCRIPT_NAME puts it back into links. `base` itself is redirected to `base`/, where its cookies are sent.
    """

    def __init__(self, application, base: str):
        self.application = application
        self.base = base

    def __call__(self, environ, start_response):
        path = environ.get("PATH_INFO", "")
        if self.base and path == self.base:
            return self._add_slash(environ, start_response)
        if self.base and path.startswith(f"{self.base}/"):
            path = path.removeprefix(self.base)
        environ["PATH_INFO"] = without_slash(path)
        return self.application(environ, start_response)

    def _add_slash(self, environ, start_response):
        query = environ.get("QUERY_STRING", "")
        location = f"{self.base}/?{query}" if query else f"{self.base}/"
        start_response("308 Permanent Redirect", [("Location", location), ("Content-Length", "0")])
        return [b""]


def without_slash(path: str) -> str:
    """The path without one slash at its end, for the API alone: a redirect would lose the body of a PUT."""
    return path[:-1] if path.startswith(API) and path.endswith("/") and path != API else path
