"""Reading the environment: typed values, with every mistake kept for the system checks instead of a traceback."""

import contextlib
import io
import ipaddress
import os
import re
import secrets
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LINE = re.compile(r"(?:export )?[A-Za-z_0-9]+=.*|#.*|\s*")


class Mistake(NamedTuple):
    """A variable that cannot be used as it is, and what to set instead."""

    variable: str
    sentence: str


class Environment:
    """Typed access to the variables; one that does not read falls back to its default and is noted in `mistakes`."""

    def __init__(self, dotenv: Path):
        self.mistakes: list[Mistake] = []
        if dotenv.is_file():
            environ.Env.read_env(io.StringIO(self._lines_of(dotenv)))

    def text(self, name: str, default: str = "") -> str:
        """The variable's text without blanks around it, as it stands ($ means nothing); an empty one is not set."""
        return os.environ.get(name, "").strip() or default

    def flag(self, name: str, default: bool) -> bool:
        """true/false, yes/no, on/off, 1/0 in any letter case."""
        text = self.text(name).lower()
        if text in ("", "true", "yes", "on", "1", "false", "no", "off", "0"):
            return default if not text else text in ("true", "yes", "on", "1")
        return self._mistake(name, f"{text!r} is neither true nor false: set true or false.", default)

    def number(self, name: str, default: int, least: int = 0, most: int = 10**12) -> int:
        """A whole number within [least, most]."""
        text = self.text(name)
        if not text:
            return default
        if re.fullmatch(r"-?\d{1,18}", text) and least <= int(text) <= most:
            return int(text)
        return self._mistake(name, f"{text!r} will not do: set a whole number from {least} to {most}.", default)

    def duration(self, name: str, default: str, least: float = 0.001) -> timedelta:
        """A length of time such as 500ms, 30s, 10m, 168h or 1h30m."""
        text = self.text(name)
        seconds = _seconds(text) if text else _seconds(default)
        if seconds is None or not least <= seconds <= 10**9:
            self._mistake(name, f"{text!r} is no duration: set one such as 30s, 10m or 168h.", None)
            seconds = _seconds(default)
        return timedelta(seconds=seconds)

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """One of `choices`, in any letter case."""
        text = self.text(name, default).lower()
        if text in choices:
            return text
        return self._mistake(name, f"{text!r} is unknown: set one of {', '.join(choices)}.", default)

    def zone(self, name: str, default: str) -> str:
        """A time zone this machine has data for; Django itself would end on another one with a traceback."""
        text = self.text(name, default)
        try:
            ZoneInfo(text)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return self._mistake(name, f"{text!r} is no time zone: set one such as Asia/Shanghai.", default)
        return text

    def url(self, name: str) -> str:
        """An http(s) address without a slash at its end, or ''."""
        text = self.text(name).rstrip("/")
        if not text:
            return ""
        try:
            parts = urlsplit(text)
            good = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
        except ValueError:  # a port that is no number, a bracket left open
            good = False
        if good and not (parts.username or parts.password):
            return text
        return self._mistake(name, "this is no address: set one such as http://127.0.0.1:8317.", "")

    def networks(self, name: str) -> list:
        """IP addresses and networks, between commas or blanks."""
        try:
            return [ipaddress.ip_network(each, strict=False) for each in self._words(name)]
        except ValueError:
            sentence = "set IP addresses or networks, such as 127.0.0.1 or 10.0.0.0/8, with commas between them."
            return self._mistake(name, sentence, [])

    def origins(self, name: str) -> list[str]:
        """Web origins, or self, between commas or blanks."""
        words = self._words(name)
        if all(re.fullmatch(r"self|https?://[a-z0-9.-]+(:\d{1,5})?", word.lower()) for word in words):
            return ["'self'" if word.lower() == "self" else word.lower() for word in words]
        return self._mistake(name, "set origins such as https://cpa.example.org, with commas between them.", [])

    def database(self, name: str) -> dict:
        """A postgres://user:password@host:port/name address as Django's database settings, or {}."""
        if not self.text(name).startswith(("postgres://", "postgresql://")):
            return self._mistake(
                name, "this is no PostgreSQL address: set postgres://user:password@host:port/name.", {}
            )
        return environ.Env.db_url_config(self.text(name))

    def secret(self, name: str, path: Path) -> str:
        """The variable's text, else the secret kept at `path`, else, where none can be kept, one for this process."""
        try:
            return self.text(name) or kept_secret(path)
        except OSError as error:
            return self._mistake(name, f"none can be kept in {path} ({error.strerror}): set one.", secrets.token_hex())

    def folder(self, name: str, path: Path) -> Path:
        """The folder at `path`, made when it is missing, for this user alone; `name` is the variable that chose it."""
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            why = error.strerror.lower()
            self._mistake(name, f"{path} cannot be made ({why}): name a folder that this user can write to.", None)
        return path

    def _words(self, name):
        return self.text(name).replace(",", " ").split()

    def _lines_of(self, dotenv):
        """The file's lines that read; the others are noted by their number, for they may hold a secret."""
        try:
            lines = dotenv.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError):
            return self._mistake(dotenv.name, "this file cannot be read: make it readable, and UTF-8.", "")
        for number, line in enumerate(lines, 1):
            if not _LINE.fullmatch(line):
                self._mistake(dotenv.name, f"line {number} does not read: write NAME=value, without blanks.", None)
        return "\n".join(line for line in lines if _LINE.fullmatch(line))

    def _mistake(self, name, sentence, fallback):
        self.mistakes.append(Mistake(name, sentence))
        return fallback


def _seconds(text: str) -> float | None:
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhd])", text.lower())
    if not parts or "".join(n + u for n, u in parts) != text.lower().replace(" ", ""):
        return None
    return sum(float(n) * _UNITS[u] for n, u in parts)


def kept_secret(path: Path) -> str:
    """The secret kept in the file at `path` (mode 0600), made on first use; processes starting together share one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Written aside and linked into place: another process sees no file or a whole one.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(50))
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    return path.read_text().strip()
