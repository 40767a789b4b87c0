"""Filters of the list of models."""

from django.contrib import admin


class Priced(admin.SimpleListFilter):
    """With or without a price today; needs ModelQuerySet.with_prices()."""

    title, parameter_name = "price", "priced"

    def lookups(self, request, model_admin):
        return [("no", "unpriced"), ("yes", "priced")]

    def queryset(self, request, queryset):
        return queryset.filter(is_priced=self.value() == "yes") if self.value() else queryset


class Offered(admin.SimpleListFilter):
    """Models whose past costs the catalogue would correct."""

    title, parameter_name = "correction", "offered"

    def lookups(self, request, model_admin):
        return [("yes", "offered by the catalogue")]

    def queryset(self, request, queryset):
        return queryset.filter(catalogue__corrects=True) if self.value() else queryset
