"""manage.py importusage: the history of other programs, and what became of earlier imports."""

import json
import sqlite3
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import Error
from django.forms.models import model_to_dict
from django.utils.timezone import localtime

from pricing.rates import usd
from usage.imports.formats import Refused, open_source
from usage.imports.looking import digest_of, look, preview
from usage.imports.running import ALIASES, PRICES, Busy, run_all, undone
from usage.management.tables import many, plain
from usage.models import Import
from usage.time.clock import now_us

LINE = "{:>4}  {:<16}  {:<24}  {:<16}  {:>12}  {}"


class Command(BaseCommand):
    """Safe while a drain runs. An import that was cut off goes on where it stopped when its file is given again."""

    help = "Import what CPA, the older cpa-usage, keeper, CPA-Manager-Plus or another cpa-usage counted."

    def add_arguments(self, parser):
        """Files, or what to do about earlier imports."""
        parser.add_argument("files", metavar="FILE", nargs="*", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="Only say what would be imported.")
        parser.add_argument("--prices", action="store_true", help="Take the file's prices of models that have none.")
        parser.add_argument("--aliases", action="store_true", help="Take the file's names of keys that have none.")
        parser.add_argument("--list", action="store_true", help="List all imports.")
        parser.add_argument("--undo", metavar="N", type=int, help="Take import N back as a whole.")
        parser.add_argument("--json", action="store_true", help="Print JSON, a line for each file or import.")

    def handle(self, *, files, undo, **options):
        """Exit 1 with a sentence where a file is refused; then nothing of it is stored, and the others are imported."""
        self._json, self._refused = options["json"], []
        if sum((bool(files), options["list"], undo is not None)) != 1:
            raise CommandError("Name files to import, or one of --list and --undo N.")
        takes = [name for name in (PRICES, ALIASES) if options[name]]
        try:
            if undo is not None:
                self._undo(undo)
            elif options["list"]:
                self._list()
            elif options["dry_run"]:
                for path in files:
                    self._preview(path)
            else:
                self._import(files, takes)
        except Busy as busy:
            raise CommandError(str(busy)) from None
        except (Error, sqlite3.Error) as error:
            why = str(error).partition("\n")[0].rstrip(".")
            raise CommandError(f"{why}. What is stored stays: run it again when that is mended.") from None
        if self._refused:
            raise CommandError("\n".join(map(plain, self._refused)))

    def _list(self):
        jobs = Import.objects.all()
        if not self._json and jobs:
            self.stdout.write(LINE.format("", "begun", "file", "state", "events", ""))
        for job in jobs:
            row = (job.id, f"{localtime(job.begun_at):%Y-%m-%d %H:%M}", plain(job.name[:24]), job.get_state_display())
            self._say(LINE.format(*row, f"{job.events:,}", job.found.get("title", "")), _public(job))

    def _undo(self, number):
        job = Import.objects.filter(pk=number, state__in=("running", "done", "undoing")).first()
        if job is None:
            raise CommandError(f"There is no import {number} that could be undone: see --list.")
        undone(job)
        self._say(f"Import {number} of {plain(job.name)} is undone.", _public(job))

    def _preview(self, path):
        would = None
        with self._refusing(path), self._progress() as bar:
            source = open_source(path)
            found = self._look(path, source, bar)
            would = preview(source, bar(path, "would store", source.position_of_end))
        if would is not None:
            self._say("\n".join(["It would bring:", *_counted(would)]), found | would._asdict())

    def _import(self, paths, takes):
        files = {}
        with self._progress() as bar:
            for path in paths:
                with self._refusing(path):
                    job = _job(path, self._look(path, open_source(path), bar), takes)
                    files.setdefault(job.id, (job, path))  # a file may be given twice
            bars = {id: bar(path, "store") for id, (_, path) in files.items()}
            while run_all(list(files.values()), lambda job: bars[job.id](job.position, job.end)):
                pass
        for job, path in files.values():
            if job.state == Import.State.REFUSED:
                self._refuse(path, job.why)
            elif job.state != Import.State.DONE:  # it was undone on the page meanwhile
                self._say(f"Import {job.id} of {plain(job.name)} is {job.get_state_display()}.", _public(job))
            else:
                self._say("\n".join([f"Import {job.id} is done:", *_counted(job), *_costs(job)]), _public(job))

    def _look(self, path, source, bar):
        found = look(source, bar(path, "look", source.position_of_end)).as_json()
        if not self._json:
            self.stdout.write("\n".join(map(plain, _described(path, found))))
        return found

    def _say(self, text, fields):
        self.stdout.write(json.dumps(fields, default=str) if self._json else text)

    @contextmanager
    def _refusing(self, path):
        try:
            yield
        except (Refused, OSError) as refusal:
            self._refuse(path, getattr(refusal, "strerror", None) or refusal)

    def _refuse(self, path, why):
        self._refused.append(f"{path}: {why} Nothing of it is imported.")

    @contextmanager
    def _progress(self):
        """On a terminal: a function that adds a bar with the time that is left."""
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import Progress

        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=self._json or not console.is_terminal) as progress:

            def bar(path, title, end=None):
                task = progress.add_task(escape(plain(f"{path.name}: {title}")), total=end)
                return lambda position, end=end: progress.update(task, completed=position, total=end)

            yield bar


def _job(path, found, takes) -> Import:
    """The import of this file that was cut off, or a new one."""
    digest = digest_of(path)
    job = Import.objects.filter(digest=digest, state=Import.State.RUNNING).first()
    if job is None:
        new = {"name": path.name[:255], "digest": digest, "state": Import.State.RUNNING, "found": found}
        return Import.objects.create(arrived=now_us(), takes=takes, **new)
    job.change(takes=takes)
    return job


def _described(path, found):
    yield f"{path.name}: {found['title']}, {many(found['events'], 'event')}"
    if found["days"]:
        models, keys = many(found["model_count"], "model"), many(found["keys"], "client key")
        yield f"  {' to '.join(found['days'])}, {models}, {keys}"
        yield f"  {', '.join(found['models'])}{' …' if found['model_count'] > len(found['models']) else ''}"
    if found["unread"]:
        yield f"  {many(found['unread'], 'dead letter')}: no records, or of no time that can be"
    yield from (f"  Not taken over: {sentence}" for sentence in found["left_out"])
    for what, of, name in (("Prices", "model", PRICES), ("Names", "client key", ALIASES)):
        if found[name]:
            yield f"  {what} of {many(found[name], of)} without one here: take them with --{name}."


def _counted(counts):
    yield f"  {many(counts.events, 'new event')}, {counts.older:,} of them as totals of days alone"
    differing = f"{counts.differing:,} of them with other figures: those stored first count"
    yield f"  {counts.known:,} stored before or repeated, {differing}"
    yield f"  {counts.left_out:,} of days before the kept detail that have totals already"
    yield f"  {many(counts.dead, 'dead letter')}"


def _costs(job):
    unpriced = f"; {job.unpriced:,} tokens had no price yet" if job.unpriced else ""
    yield f"  ${usd(job.cost):,.2f} by our prices{unpriced}"
    if job.found["cost"] is not None:
        yield f"  ${job.source_cost:,.2f} in the file"


def _public(job):
    return model_to_dict(job, exclude=["path", "digest"]) | {"id": job.id, "begun_at": job.begun_at, "reason": job.why}
