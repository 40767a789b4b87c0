"""From a file to a bill, by the columns that were chosen for such files, or by its known format."""

from zoneinfo import available_timezones

from django.utils.translation import gettext as _

from usage.models import ColumnMapping
from usage.reconcile.bills import Bill, bill_of
from usage.reconcile.formats import chosen, known
from usage.reconcile.sheets import BadFile, Sheet


def bill_in(sheet: Sheet, columns: dict[str, str] | None = None, zone: str = "") -> Bill | None:
    """The bill in a sheet; columns by role that read it are remembered, with the zone, for files with the same header.

    Without them, what is remembered is taken, else the format. None where nothing fits. Raises BadFile.
    """
    if zone and zone not in available_timezones():
        raise BadFile(_("There is no time zone %(zone)s.") % {"zone": zone[:60]})
    if columns:
        layout = chosen(columns, zone, sheet)
        found = bill_of(sheet, layout)
        values = {"columns": layout.columns, "zone": layout.zone}
        ColumnMapping.objects.update_or_create(fingerprint=sheet.fingerprint, defaults=values)
        return found
    kept = remembered(sheet)
    layout = chosen(kept.columns, kept.zone, sheet) if kept else known(sheet)
    return layout and bill_of(sheet, layout, zone)


def remembered(sheet: Sheet) -> ColumnMapping | None:
    """What was last chosen for files with this header."""
    return ColumnMapping.objects.filter(fingerprint=sheet.fingerprint).first()
