"""manage.py updateprices: fetch the price catalogue and look up every model in it now."""

from django.conf import settings
from django.core.management.base import BaseCommand

from pricing.models import CatalogueEntry, PublishedCatalogue
from pricing.tasks import catalogue_version, update_prices


class Command(BaseCommand):
    """Also runs every night; prices set by hand are left alone."""

    help = "Fetch the price catalogue and take changed prices, from today on. Prices set by hand stay."

    def handle(self, **options):
        """Print which catalogue it was, how many models have a price there, and the reason for each that has none."""
        done = update_prices()
        self.stdout.write(f"The catalogue is {catalogue_version()}.")
        if settings.PRICES_URL and (error := PublishedCatalogue.load().error):
            self.stdout.write(f"No newer one was fetched. {error}")
        self.stdout.write(f"{done.models} models: {done.listed} have a price in the catalogue.")
        unlisted = CatalogueEntry.objects.exclude(reason="").order_by("model__name")
        for name, reason in unlisted.values_list("model__name", "reason"):
            self.stdout.write(f"  {name}: {reason}")
        if done.corrected:
            self.stdout.write(f"{done.corrected} have corrected figures for days gone by: see Models in the admin.")
