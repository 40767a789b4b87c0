"""A page that says what is wrong with the database, instead of a traceback and "Server Error"."""

import logging

from cpa_usage.http.databaseerrors import is_unavailable
from cpa_usage.http.errors import database_unavailable

log = logging.getLogger(__name__)


class DatabaseErrorPages:
    """Middleware over the views."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        """The page for a view that failed because of the database; None for every other exception."""
        if not is_unavailable(exception):
            return None
        log.error("The database does not answer: %s", str(exception).strip() or type(exception).__name__)
        return database_unavailable(request, exception)
