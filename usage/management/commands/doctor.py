"""manage.py doctor: checks everything that must be right for records to arrive, and says what to do."""

from django.core.management.base import BaseCommand, CommandError

from usage.ops.doctor.examination import examine
from usage.ops.doctor.findings import Finding


class Command(BaseCommand):
    """Prints one line a finding. Changes nothing without --fix."""

    help = "Look at CPA, the database, files and processes; exit 1 when something is not well."
    requires_system_checks = []  # the doctor runs them itself and reports them as findings

    def add_arguments(self, parser):
        """One switch."""
        parser.add_argument("--fix", action="store_true", help="do what can be done from here")

    def handle(self, *, fix, **options):
        """Exit 0 when all is well, or was made so."""
        unwell = 0
        for finding in examine():
            well, line = _cured(finding) if fix and finding.cure and not finding.well else _reported(finding)
            self.stdout.write(line)
            unwell += not well
        if unwell:
            raise CommandError(f"{unwell} of these need attention.")


def _cured(finding: Finding):
    """(whether all is well now, the line to print)."""
    try:
        finding.cure()
    except Exception as error:  # the failure of a cure is reported, and the other findings still follow
        return _reported(finding._replace(sentence=f"{finding.sentence} That failed: {error}"))
    return True, f"FIXED {finding.name}: {finding.sentence}"


def _reported(finding):
    return finding.well, f"{'OK   ' if finding.well else 'WRONG'} {finding.name}: {finding.sentence}"
