"""Mounting under a base path, behind proxies that strip it and behind those that do not."""

API = "/api/v1/"


def mounted(application, base: str):
    """WSGI: removes `base` ("/usage", or "" for none) from the path before Django sees it, where it is there.

    FORCE_SCRIPT_NAME puts it back into links. `base` itself is redirected to `base`/, where its cookies are sent.
    """

    def called(environ, start_response):
        path = environ.get("PATH_INFO", "")
        if base and path == base:
            query = environ.get("QUERY_STRING", "")
            location = f"{base}/?{query}" if query else f"{base}/"
            start_response("308 Permanent Redirect", [("Location", location), ("Content-Length", "0")])
            return [b""]
        if base and path.startswith(f"{base}/"):
            path = path.removeprefix(base)
        environ["PATH_INFO"] = without_slash(path)
        return application(environ, start_response)

    return called


def without_slash(path: str) -> str:
    """The path without one slash at its end, for the API alone: a redirect would lose the body of a PUT."""
    return path[:-1] if path.startswith(API) and path.endswith("/") and path != API else path
