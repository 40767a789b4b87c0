"""System checks of the configuration: each names the variable and says what to set."""

import re

from django.conf import settings
from django.core.checks import Error, Warning, register

from cpa_usage.env import UNUSED

OURS = {"admin", "api", "healthz", "metrics", "readyz", "static"}
CPA_NEEDS = {
    "CPA_BASE_URL": "give the address of your CLIProxyAPI, such as http://127.0.0.1:8317",
    "CPA_MANAGEMENT_KEY": "give the secret-key of CPA's remote-management",
}
EXAMPLE = ", in the environment or in .env (see .env.example); without a CPA, try scripts/demo."


@register("configuration")
def variables_read(app_configs, **kwargs):
    """Variables of the environment that could not be read."""
    return [Error(f"{m.variable}: {m.sentence}", id="cpa_usage.E001") for m in settings.CONFIGURATION_MISTAKES]


@register("configuration")
def variables_used(app_configs, **kwargs):
    """Variables of the older cpa-usage that change nothing here."""
    if not settings.UNUSED_VARIABLES:
        return []
    advice = "; ".join(f"{name}: {UNUSED[name]}" for name in settings.UNUSED_VARIABLES)
    return [Warning(f"Some variables change nothing here and can be removed. {advice}.", id="cpa_usage.W009")]


@register("configuration")
def cpa_is_named(app_configs, **kwargs):
    """Without an address and a key there is nothing to drain."""
    noted = {mistake.variable for mistake in settings.CONFIGURATION_MISTAKES}
    missing = [name for name in CPA_NEEDS if not getattr(settings, name) and name not in noted]
    if not missing:
        return []
    names, verb = " and ".join(missing), "is" if len(missing) == 1 else "are"
    advice = ", ".join(CPA_NEEDS[name] for name in missing)
    return [Error(f"{names} {verb} not set: {advice}{EXAMPLE}", id="cpa_usage.E002")]


@register("configuration")
def storage_is_named(app_configs, **kwargs):
    """STORAGE_DRIVER=postgres and DATABASE_READ_URL need DATABASE_URL."""
    if settings.STORAGE_DRIVER == "postgres" and not settings.DATABASE_URL:
        return [Error("DATABASE_URL is not set: STORAGE_DRIVER is postgres, so set postgres://…", id="cpa_usage.E004")]
    if settings.DATABASE_READ_URL and not settings.DATABASE_URL:
        return [Error("DATABASE_URL is not set: DATABASE_READ_URL is, so set its primary.", id="cpa_usage.E010")]
    return []


@register("configuration")
def queue_address_reads(app_configs, **kwargs):
    """REDIS_QUEUE_ADDR must be host:port."""
    host, _, port = settings.REDIS_QUEUE_ADDR.rpartition(":")
    if host and port.isdecimal() and 0 < int(port) < 65536:
        return []
    return [Error("REDIS_QUEUE_ADDR: set host:port, such as 127.0.0.1:8317.", id="cpa_usage.E005")]


@register("configuration")
def login_has_a_password(app_configs, **kwargs):
    """A login without a password locks all users out; without a login, any host of the network reads everything."""
    if settings.AUTH_ENABLED and not settings.LOGIN_PASSWORD:
        return [Error("LOGIN_PASSWORD is not set: AUTH_ENABLED is true, so choose one.", id="cpa_usage.E006")]
    if not settings.AUTH_ENABLED and settings.APP_HOST not in ("127.0.0.1", "::1", "localhost"):
        return [
            Warning(
                f"APP_HOST is {settings.APP_HOST} while AUTH_ENABLED is false: anyone who reaches this address reads "
                "everything. Set AUTH_ENABLED=true and LOGIN_PASSWORD.",
                id="cpa_usage.W007",
            )
        ]
    return []


@register("configuration")
def base_path_can_be_mounted(app_configs, **kwargs):
    """Plain segments; the first must differ from our own paths, which look the same behind a proxy that strips it."""
    segments = settings.APP_BASE_PATH.split("/")[1:]
    if all(re.fullmatch(r"[A-Za-z0-9_~.-]*[A-Za-z0-9_~-]", s) for s in segments) and OURS.isdisjoint(segments[:1]):
        return []
    return [
        Error(
            f"APP_BASE_PATH: nothing can be mounted at {settings.APP_BASE_PATH}: set a path such as /usage, of "
            f"letters, digits and . _ ~ -, that does not begin with {', '.join(sorted(OURS))}; empty for the root.",
            id="cpa_usage.E008",
        )
    ]
