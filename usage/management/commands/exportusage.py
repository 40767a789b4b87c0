"""manage.py exportusage: requests or their totals as a file, as the API and the page of requests have them."""

import os
import sys
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from usage.analytics.exports.formats import FORMATS
from usage.analytics.exports.forms import ExportForm
from usage.query.arguments import add_filters, filters_of, one_line
from usage.query.forms import checked


class Command(BaseCommand):
    """Reads page by page and changes nothing."""

    help = "Write requests, or their totals, as CSV, JSON Lines, Parquet or XLSX: docs/exporting.md."

    def add_arguments(self, parser):
        """Which usage, and what of it."""
        parser.add_argument("--format", default="", help=f"{', '.join(FORMATS)}; else what the ending of FILE says")
        parser.add_argument("--columns", default="", help="which columns, in this order, with commas between them")
        parser.add_argument("--by", default="", help="totals: day, week or month, and labels such as model,key,account")
        parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="else standard output")
        add_filters(parser)

    def handle(self, *, format, columns, by, output, **options):
        """Exit 0 when all is written; 1 with a sentence, and no file, when it is not."""
        ending = output.suffix.removeprefix(".") if output else ""
        with one_line():
            form = checked(ExportForm({"format": format or ending * (ending in FORMATS), "columns": columns, "by": by}))
            parts = form.parts(filters_of(options))
        if not output and sys.stdout.isatty() and FORMATS[form.cleaned_data["format"]].package:
            raise CommandError("This is no text: name a file with -o FILE.")
        try:
            with _file(output) as file:
                for part in parts:
                    file.write(part)
        except BrokenPipeError:  # manage.py ends
            raise
        except OSError as error:
            raise CommandError(f"{output or 'standard output'} cannot be written: {error.strerror}.") from None


@contextmanager
def _file(path):
    """The file to write to, which gets its name when it is complete."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("xb") as file:
            yield file
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
