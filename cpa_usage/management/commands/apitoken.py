"""manage.py apitoken: tokens for programs are made, listed and revoked."""

from django.core.management.base import BaseCommand, CommandError

from cpa_usage.auth.tokenform import TokenForm
from cpa_usage.models import ApiToken


class Command(BaseCommand):
    """As on the System page; the token is printed this once, and kept as a hash."""

    help = "Make, list and revoke tokens for programs."

    def add_arguments(self, parser):
        """What to do, then what it needs."""
        what = parser.add_subparsers(dest="what", required=True)
        create = what.add_parser("create", help="print a new token, this once")
        create.add_argument("name", help="what it is for")
        create.add_argument("--scope", choices=ApiToken.Scope.values, default="read")
        create.add_argument("--days", help="until it expires; never where this is left out")
        what.add_parser("list", help="what there is, newest first")
        what.add_parser("revoke", help="refuse it from now on").add_argument("token", help="its name, or its number")

    def handle(self, what, **options):
        """The token alone goes to the standard output, so that a script can keep it."""
        getattr(self, what)(options)

    def create(self, options):
        """Print a new token."""
        form = TokenForm(options)
        if not form.is_valid():
            raise CommandError("; ".join(f"{field}: {found[0]}" for field, found in form.errors.items()))
        self.stdout.write(form.issue())

    def list(self, options):
        """Print one line for each token."""
        for token in ApiToken.objects.all():
            until = f"until {token.expires_at:%Y-%m-%d}" if token.expires_at else "without end"
            used = f"last used {token.last_used_at:%Y-%m-%d %H:%M} UTC" if token.last_used_at else "never used"
            self.stdout.write(f"{token.pk}  {token.shown}  {token.scope}  {token.state}, {until}, {used}  {token.name}")

    def revoke(self, options):
        """Revoke the token with this number, or with a name that no other has."""
        wanted = options["token"]
        found = ApiToken.objects.filter(name=wanted, revoked_at=None)
        if not found and wanted.isdecimal():
            found = ApiToken.objects.filter(pk=wanted)
        if len(found) != 1:
            raise CommandError(f"{len(found) or 'No'} tokens are called {wanted}: apitoken list shows their numbers.")
        found[0].revoke()
        self.stderr.write(f"{found[0].shown} is revoked.")
