"""From an uploaded file to a bill, by the columns that were chosen for such files, or by its known format."""

from usage.models import ColumnMapping
from usage.reconcile.bills import Bill, bill_of
from usage.reconcile.columns import Mapping, checked
from usage.reconcile.sheets import Sheet


def bill_in(sheet: Sheet, mapping: Mapping | None = None, zone: str = "") -> Bill:
    """The bill in a sheet; a mapping that reads it is remembered for files with the same header.

    Without one, what is remembered is taken, else the format. Raises BadFile, and Unknown where nothing fits.
    """
    if mapping is None:
        return bill_of(sheet, remembered(sheet), zone)
    mapping = checked(mapping, sheet)
    found = bill_of(sheet, mapping, zone)
    values = {"columns": mapping.columns, "zone": mapping.zone, "order": mapping.order}
    ColumnMapping.objects.update_or_create(fingerprint=sheet.fingerprint, defaults=values)
    return found


def remembered(sheet: Sheet) -> Mapping | None:
    """The mapping that was last chosen for files with this header."""
    kept = ColumnMapping.objects.filter(fingerprint=sheet.fingerprint).first()
    return kept and Mapping(kept.columns, kept.zone, kept.order)
