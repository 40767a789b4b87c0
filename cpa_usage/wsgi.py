"""The web application, mounted at APP_BASE_PATH."""

import logging
import os

os.umask(0o077)  # database, logs and keys belong to this user alone
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cpa_usage.settings")

from django.conf import settings  # noqa: E402
from django.core import checks  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402

from cpa_usage.http.mount import mounted  # noqa: E402

application = mounted(get_wsgi_application(), settings.APP_BASE_PATH)

for message in checks.run_checks(tags=["configuration"]):  # gunicorn runs none by itself
    logging.getLogger("cpa_usage").log(message.level, "%s", message.msg)
