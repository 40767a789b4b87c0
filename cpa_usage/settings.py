"""Every setting of the project, read from the environment and `.env`; .env.example documents the variables."""

import hashlib
import os
from pathlib import Path
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy

from cpa_usage import __version__ as VERSION
from cpa_usage import logs
from cpa_usage.env import Environment
from cpa_usage.postgresql.options import ANY_SERVER, REPLICA, settings_of

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment(BASE_DIR / os.environ.get("ENV_FILE", ".env"))
CONFIGURATION_MISTAKES, UNUSED_VARIABLES = env.mistakes, env.unused()  # reported by cpa_usage.checks

# Set by the Procfile and the units: the drain and the task cluster load less than the web, and each has its own log
# file. Without it every command works, with all apps loaded.
CPA_USAGE_PROCESS = env.choice("CPA_USAGE_PROCESS", "web", ("web", "drain", "tasks"))

# --- CPA ----------------------------------------------------------------------------------------------------------
CPA_BASE_URL = env.url("CPA_BASE_URL")
CPA_MANAGEMENT_KEY = env.text("CPA_MANAGEMENT_KEY")
CPA_TIMEOUT = env.duration("CPA_TIMEOUT", "10s")
METADATA_SYNC_INTERVAL = env.duration("METADATA_SYNC_INTERVAL", "30s", least=1)

# --- Prices -------------------------------------------------------------------------------------------------------
# Where genai-prices publishes its catalogue. An empty one switches it off, so it differs from one that is not set.
PRICES_URL = env.url(
    "PRICES_URL",
    "https://raw.githubusercontent.com/pydantic/genai-prices/refs/heads/main/prices/new_data/v2/data.json",
)

# --- The queue ----------------------------------------------------------------------------------------------------
_cpa = urlsplit(CPA_BASE_URL)
REDIS_QUEUE_ADDR = env.text("REDIS_QUEUE_ADDR", f"{_cpa.hostname or '127.0.0.1'}:{_cpa.port or 8317}")
REDIS_QUEUE_TLS = env.flag("REDIS_QUEUE_TLS", _cpa.scheme == "https")
REDIS_QUEUE_KEY = env.text("REDIS_QUEUE_KEY", "usage")
REDIS_QUEUE_BATCH_SIZE = env.number("REDIS_QUEUE_BATCH_SIZE", 1000, least=1, most=100_000)
REDIS_QUEUE_IDLE_INTERVAL = env.duration("REDIS_QUEUE_IDLE_INTERVAL", "1s")
REDIS_QUEUE_ERROR_BACKOFF = env.duration("REDIS_QUEUE_ERROR_BACKOFF", "10s")
QUEUE_MODE = env.choice("QUEUE_MODE", "auto", ("auto", "pop", "subscribe", "http"))

# --- Address and mounting -----------------------------------------------------------------------------------------
AUTH_ENABLED = env.flag("AUTH_ENABLED", False)
APP_HOST = env.text("APP_HOST", "0.0.0.0" if AUTH_ENABLED else "127.0.0.1")
APP_PORT = env.number("APP_PORT", 8318, least=1, most=65535)
APP_BASE_PATH = os.environ.get("APP_BASE_PATH", "/usage").strip().strip("/")
APP_BASE_PATH = f"/{APP_BASE_PATH}" if APP_BASE_PATH else ""
APP_PUBLIC_URL = env.url("APP_PUBLIC_URL")
FORCE_SCRIPT_NAME = APP_BASE_PATH or None

_public = urlsplit(APP_PUBLIC_URL)
LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
# Without a login only this machine may ask (a foreign Host would be DNS rebinding); with one, any name may serve.
OPEN_TO_ALL = not AUTH_ENABLED and APP_HOST not in ("127.0.0.1", "::1", "localhost")  # shown on every page
ALLOWED_HOSTS = ["*"] if AUTH_ENABLED or OPEN_TO_ALL else [*LOOPBACK_HOSTS]
if _public.hostname:
    ALLOWED_HOSTS = [*LOOPBACK_HOSTS, _public.hostname]
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"] if _public.hostname else []

# Proxies whose X-Forwarded-* is believed; cpa_usage.http.proxies removes that of all others.
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
FRAME_ANCESTORS = env.origins("FRAME_ANCESTORS")

# --- Storage ------------------------------------------------------------------------------------------------------
STORAGE_DRIVER = env.choice("STORAGE_DRIVER", "sqlite", ("sqlite", "postgres"))
SQLITE_PATH = BASE_DIR / env.text("SQLITE_PATH", "./data/app.db")
DATABASE_URL = env.text("DATABASE_URL")
DATABASE_READ_URL = env.text("DATABASE_READ_URL")
SPOOL_DIR = BASE_DIR / env.text("SPOOL_DIR", str(SQLITE_PATH.parent / "spool"))
SPOOL_MAX_BYTES = env.number("SPOOL_MAX_BYTES", 512 * 1024 * 1024, least=1024 * 1024)
USAGE_RETENTION_DAYS = max(0, env.number("USAGE_RETENTION_DAYS", 30, least=-1, most=36_500))  # 0: all are kept
IMPORT_MAX_BYTES = env.number("IMPORT_MAX_BYTES", 4 * 1024**3, least=1024 * 1024)  # of an uploaded file
BACKUP_DIR = BASE_DIR / env.text("BACKUP_DIR") if env.text("BACKUP_DIR") else None
BACKUP_KEEP = env.number("BACKUP_KEEP", 14, least=1, most=36_500)

# The order matters: auto_vacuum takes effect only before the journal mode and the first table. The log is moved into
# the database every 16 MB (4,000 pages): a page that many batches change is then moved once for all of them. The drain
# stores records that exist nowhere else, so a commit waits for the disk.
_SQLITE_PRAGMAS = """
    PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
    PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-2048; PRAGMA temp_store=MEMORY; PRAGMA busy_timeout=20000;
    PRAGMA wal_autocheckpoint=4000;
"""
# A statement of a page may take a minute; one of a task, of a migration or of another command an hour.
PAGE_SECONDS = 60
STATEMENT_SECONDS = PAGE_SECONDS if os.environ.get("CPA_USAGE_PROCESS") == "web" else 3600
if DATABASE_URL:
    DATABASES = {"default": settings_of(env.database("DATABASE_URL"), STATEMENT_SECONDS)}
    if DATABASE_READ_URL and CPA_USAGE_PROCESS == "web":  # questions alone are asked there
        DATABASES[REPLICA] = settings_of(env.database("DATABASE_READ_URL"), STATEMENT_SECONDS, **ANY_SERVER)
        DATABASE_ROUTERS = ["usage.query.replica.Router"]
else:
    env.folder("SQLITE_PATH", SQLITE_PATH.parent)
    DATABASES = {
        "default": {
            "ENGINE": "cpa_usage.sqlite",
            "NAME": SQLITE_PATH,
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": _SQLITE_PRAGMAS,
            },
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Django -------------------------------------------------------------------------------------------------------
DEBUG = False
SECRET_KEY = env.secret("SECRET_KEY", SQLITE_PATH.parent / "secret_key")
ROOT_URLCONF = "cpa_usage.urls"
WSGI_APPLICATION = "cpa_usage.wsgi.application"

_MODEL_APPS = [
    "cpa_usage",  # before django_q, whose command qcluster it replaces
    "django_q",
    "aliases",
    "catalog",
    "pricing",
    "usage",
]
_SESSION_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
]
_WEB_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
# The drain is 40 MB (PSS) so, and 20 MB larger with everything; so is the task cluster.
INSTALLED_APPS = {
    "drain": _MODEL_APPS,
    "tasks": [*_SESSION_APPS, *_MODEL_APPS],
    "web": [*_WEB_APPS, *_SESSION_APPS, *_MODEL_APPS],
}[CPA_USAGE_PROCESS]

# Functions of usage for the apps below it, loaded by name because they do not import usage.
PRICE_HISTORY = "usage.rollups.history.RecordedUsage"
KEY_REQUESTS = "usage.rollups.history.requests_by_key"

MIDDLEWARE = [
    "cpa_usage.monitoring.requests.observe_requests",
    "cpa_usage.http.proxies.trust_proxies",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "cpa_usage.http.headers.reply_headers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "cpa_usage.http.origin.same_origin_writes",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "cpa_usage.auth.adminlogin.SessionUsers",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "cpa_usage.http.errors.DatabaseErrorPages",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"figures": "usage.dashboard.templatetags.figures"},
        },
    }
]

if CPA_USAGE_PROCESS != "web":  # it answers no requests, and its system checks would load all modules named above
    ROOT_URLCONF, MIDDLEWARE, TEMPLATES = None, [], []

# Written out in full: a relative one is read before the prefix is known and would miss the base.
STATIC_URL = f"{APP_BASE_PATH}/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {"staticfiles": {"BACKEND": "cpa_usage.http.static.BundlingStorage"}}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
# Compressing source maps takes as long as all other files, and only a debugger loads them.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ("gif", "jpg", "map", "png", "woff", "woff2")

TIME_ZONE = env.zone("TZ", "Asia/Shanghai")
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]

# --- Sign-in ------------------------------------------------------------------------------------------------------
LOGIN_PASSWORD = env.text("LOGIN_PASSWORD")
AUTH_SESSION_TTL = env.duration("AUTH_SESSION_TTL", "168h", least=60)
COOKIE_PATH = f"{APP_BASE_PATH}/"
SECURE_COOKIES = _public.scheme == "https"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = LANGUAGE_COOKIE_PATH = COOKIE_PATH
MESSAGE_STORAGE = "cpa_usage.auth.messages.MessageStorage"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
if CPA_USAGE_PROCESS == "web":  # the checks of the others would load it, and the API's framework
    CSRF_FAILURE_VIEW = "cpa_usage.http.origin.csrf_failure"
# The proxy that ends TLS redirects to https and sends HSTS; requests arrive here over plain HTTP.
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"] if SECURE_COOKIES else []
SESSION_COOKIE_AGE = int(AUTH_SESSION_TTL.total_seconds())
AUTHENTICATION_BACKENDS = ["cpa_usage.auth.adminlogin.SuperuserBackend"]
LOGIN_REDIRECT_URL = f"{APP_BASE_PATH}/admin/"
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    # A changed password changes the key: every session made with the old one ends at once.
    "SIGNING_KEY": hashlib.blake2b(
        LOGIN_PASSWORD.encode(), key=hashlib.sha256(SECRET_KEY.encode()).digest()
    ).hexdigest(),
}

# --- API ----------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["cpa_usage.auth.sessions.SessionTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["cpa_usage.auth.sessions.SignedIn"],
    "DEFAULT_PARSER_CLASSES": ["cpa_usage.http.wire.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["cpa_usage.http.wire.JSONRenderer", "cpa_usage.http.wire.BrowsableRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "cpa_usage.http.wire.Negotiation",
    "DEFAULT_SCHEMA_CLASS": "cpa_usage.http.openapi.Schema",
    "EXCEPTION_HANDLER": "cpa_usage.http.errors.exception_handler",
    "URL_FORMAT_OVERRIDE": None,  # ?format= has no meaning here
}
SPECTACULAR_SETTINGS = {
    "TITLE": "cpa-usage",
    "DESCRIPTION": "Usage, cost and health of what goes through a CLIProxyAPI.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "cpa_usage.http.openapi.add_structs",
    ],
    "SERVERS": [{"url": APP_BASE_PATH or "/"}],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# --- Metrics ------------------------------------------------------------------------------------------------------
METRICS_MAX_VALUES = env.number("METRICS_MAX_VALUES", 200, least=1, most=10_000)

# --- Admin --------------------------------------------------------------------------------------------------------
_BLUE = {  # the dashboard's accent, from light to dark
    50: "97% .014 254.6",
    100: "93.2% .032 255.6",
    200: "88.2% .059 254.1",
    300: "80.9% .105 251.8",
    400: "70.7% .165 254.6",
    500: "62.3% .214 259.8",
    600: "54.6% .245 262.9",
    700: "48.8% .243 264.4",
    800: "42.4% .199 265.6",
    900: "37.9% .146 265.5",
    950: "28.2% .091 267.9",
}
UNFOLD = {
    "SITE_TITLE": "cpa-usage",
    "SITE_HEADER": "cpa-usage",
    "SITE_SUBHEADER": gettext_lazy("administration"),
    "SITE_SYMBOL": "monitoring",
    "SITE_URL": f"{APP_BASE_PATH}/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "cpa_usage.admin.menu.icon"}],
    "COLORS": {"primary": {str(shade): f"oklch({tone})" for shade, tone in _BLUE.items()}},
    "SHOW_BACK_BUTTON": True,
    "LOGIN": {"form": "cpa_usage.auth.adminlogin.SignInForm"},
    "SIDEBAR": {"navigation": "cpa_usage.admin.menu.navigation"},
}

# --- Tasks --------------------------------------------------------------------------------------------------------
Q_CLUSTER = {
    "name": "cpa-usage",
    "broker_class": "cpa_usage.tasks.Broker",
    "orm": "default",
    "timeout": 1800,
    "retry": 3600,  # longer than the longest task: after this the broker starts a task again
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "poll": 1,
    "save_limit": 200,
    "label": "Tasks",
}

# --- Logs ---------------------------------------------------------------------------------------------------------
_LEVELS = ("debug", "info", "warning", "error")
LOG_LEVEL = env.choice(
    "LOG_LEVEL", "info", _LEVELS, trace="debug", warn="warning", fatal="error", panic="error"
).upper()
LOG_FILE_ENABLED = env.flag("LOG_FILE_ENABLED", True)
LOG_DIR = BASE_DIR / env.text("LOG_DIR", "./logs")
LOG_RETENTION_DAYS = max(0, env.number("LOG_RETENTION_DAYS", 7, least=-1, most=3650))
LOG_FORMAT = env.choice("LOG_FORMAT", "text", ("text", "json"))
LOGGING = logs.configured(
    LOG_FORMAT, LOG_LEVEL, CPA_USAGE_PROCESS, env.folder("LOG_DIR", LOG_DIR) if LOG_FILE_ENABLED else None
)
