"""What the list of models can be narrowed to."""

from django.contrib import admin


class Priced(admin.SimpleListFilter):
    """With or without a price today."""

    title, parameter_name = "price", "priced"

    def lookups(self, request, model_admin):
        """Two answers."""
        return [("no", "unpriced"), ("yes", "priced")]

    def queryset(self, request, queryset):
        """As annotated."""
        return queryset.filter(is_priced=self.value() == "yes") if self.value() else queryset


class Offered(admin.SimpleListFilter):
    """Whose past the catalogue would correct."""

    title, parameter_name = "correction", "offered"

    def lookups(self, request, model_admin):
        """One answer."""
        return [("yes", "offered by the catalogue")]

    def queryset(self, request, queryset):
        """As the last look at the catalogue said."""
        return queryset.filter(catalogue__corrects=True) if self.value() else queryset
