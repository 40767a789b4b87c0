"""manage.py updateprices: ask the installed price catalogue about every model now."""

from django.core.management.base import BaseCommand

from pricing.models import CatalogueEntry
from pricing.tasks import update_prices


class Command(BaseCommand):
    """Also runs every night; prices set by hand are left alone."""

    help = "Take changed prices of the installed catalogue, from today on. Prices set by hand stay."

    def handle(self, **options):
        """Say how many models have a price, and which have none and why."""
        asked = update_prices()
        self.stdout.write(f"{asked.models} models: {asked.listed} have a price in the catalogue.")
        for name, reason in (
            CatalogueEntry.objects.exclude(reason="").order_by("model__name").values_list("model__name", "reason")
        ):
            self.stdout.write(f"  {name}: {reason}")
        if asked.corrected:
            self.stdout.write(f"{asked.corrected} have corrected figures for days gone by: see Models in the admin.")
