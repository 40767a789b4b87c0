"""The project itself as an app: system checks, sign-in and the shared parts of the API."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "cpa_usage"
    verbose_name = "cpa-usage"

    def ready(self):
        from cpa_usage import checks  # noqa: F401  registers them
