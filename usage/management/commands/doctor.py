"""manage.py doctor: looks at everything that must be right for records to arrive, and says what to do."""

from django.core.management.base import BaseCommand, CommandError

from usage.ops.doctor import Finding, examine


class Command(BaseCommand):
    """One line a finding. Changes nothing without --fix."""

    help = "Look at CPA, the database, files and processes; exit 1 when something is not well."
    requires_system_checks = []  # they are among what is looked at

    def add_arguments(self, parser):
        """One switch."""
        parser.add_argument("--fix", action="store_true", help="do what can be done from here")

    def handle(self, *, fix, **options):
        """Exit 0 when all is well, or was made so."""
        unwell = 0
        for finding in examine():
            well, line = self._treated(finding) if fix and finding.cure and not finding.well else _told(finding)
            self.stdout.write(line)
            unwell += not well
        if unwell:
            raise CommandError(f"{unwell} of these need attention.")

    @staticmethod
    def _treated(finding: Finding):
        try:
            finding.cure()
        except Exception as error:  # a cure that fails is told like everything else, whatever it was
            return _told(finding._replace(sentence=f"{finding.sentence} That failed: {error}"))
        return True, f"FIXED {finding.name}: {finding.sentence}"


def _told(finding):
    return finding.well, f"{'OK   ' if finding.well else 'WRONG'} {finding.name}: {finding.sentence}"
