"""Names of apps, models, fields and choices in the visitor's language: set for the admin, unseen by migrations."""

from django.apps import apps
from django.utils.translation import gettext_lazy

OURS = ("usage", "pricing", "catalog", "aliases", "cpa_usage", "django_q")
# What people call what tables and columns are named after.
CALLED = {"auth file": "account", "auth index": "account index", "alias": "name", "drain state": "collector"}


def translate_names():
    """Once, when the admin is loaded."""
    for config in map(apps.get_app_config, OURS):
        config.verbose_name = gettext_lazy(config.verbose_name)
        for model in config.get_models():
            about = model._meta
            about.verbose_name, about.verbose_name_plural = map(
                _called, (about.verbose_name, about.verbose_name_plural)
            )
            for constraint in about.constraints:
                constraint.violation_error_message = gettext_lazy(constraint.violation_error_message)
            for field in about.local_fields:
                field.verbose_name = _called(field.verbose_name)
                field.help_text = field.help_text and gettext_lazy(field.help_text)
                if field.choices:
                    field.choices = [(value, gettext_lazy(str(label))) for value, label in field.choices]


def _called(name):
    for old, new in CALLED.items():
        name = name.replace(old, new)
    return gettext_lazy(name)
