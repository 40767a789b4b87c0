"""Filters of the list of models."""

from django.contrib import admin


class Priced(admin.SimpleListFilter):
    """With or without a price today; needs ModelQuerySet.with_prices()."""

    title, parameter_name = "price", "priced"

    def lookups(self, request, model_admin):
        """Values of `?priced=`."""
        return [("no", "unpriced"), ("yes", "priced")]

    def queryset(self, request, queryset):
        """By the annotation `is_priced`."""
        return queryset.filter(is_priced=self.value() == "yes") if self.value() else queryset


class Offered(admin.SimpleListFilter):
    """Models whose past costs the catalogue would correct."""

    title, parameter_name = "correction", "offered"

    def lookups(self, request, model_admin):
        """The only value of `?offered=`."""
        return [("yes", "offered by the catalogue")]

    def queryset(self, request, queryset):
        """By the entry of the last look-up."""
        return queryset.filter(catalogue__corrects=True) if self.value() else queryset
