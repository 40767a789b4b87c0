"""manage.py updateprices: look up every model in the installed price catalogue now."""

from django.core.management.base import BaseCommand

from pricing.models import CatalogueEntry
from pricing.tasks import update_prices


class Command(BaseCommand):
    """Also runs every night; prices set by hand are left alone."""

    help = "Take changed prices of the installed catalogue, from today on. Prices set by hand stay."

    def handle(self, **options):
        """Print how many models have a price, and the reason for each that has none."""
        done = update_prices()
        self.stdout.write(f"{done.models} models: {done.listed} have a price in the catalogue.")
        unlisted = CatalogueEntry.objects.exclude(reason="").order_by("model__name")
        for name, reason in unlisted.values_list("model__name", "reason"):
            self.stdout.write(f"  {name}: {reason}")
        if done.corrected:
            self.stdout.write(f"{done.corrected} have corrected figures for days gone by: see Models in the admin.")
