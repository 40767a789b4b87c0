"""Reading the environment: typed values, with every mistake kept for the system checks instead of a traceback."""

import contextlib
import io
import ipaddress
import os
import re
import secrets
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import environ

_FLAGS = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LINE = re.compile(r"(?:export )?[A-Za-z_0-9]+=.*|#.*|\s*")
# Variables of the older cpa-usage, written in Go: those that have another name here, and those that change nothing.
_OLDER_NAMES = {"CPA_TIMEOUT": "REQUEST_TIMEOUT"}
UNUSED = {
    "CPA_LOG_DIR": "logs of requests come from CPA itself, at CPA_BASE_URL",
    "LOG_BODY_MAX_BYTES": "how much of a log is shown is fixed",
    "LOG_HEADER_MAX_BYTES": "how much of a log is shown is fixed",
    "AUTH_COOKIE_NAME": "the cookie's name is fixed; set APP_BASE_PATH, which is its path, to tell two cookies apart",
}
# What a cast raises for a text that it cannot read.
_UNREADABLE = (ValueError, LookupError, OSError)


class Mistake(NamedTuple):
    """A variable that cannot be used as it is, and what to set instead."""

    variable: str
    sentence: str


class Environment:
    """Typed access to the variables; an unreadable one falls back to its default and is noted in `mistakes`.

    django-environ reads the file and the database's address. Its other casts are not used: they take a misspelt flag
    for false, an empty number for a mistake and a $ in a password for a reference.
    """

    def __init__(self, dotenv: Path):
        self.mistakes: list[Mistake] = []
        if dotenv.is_file():
            environ.Env.read_env(io.StringIO(self._readable_lines(dotenv)))

    def text(self, name: str, default: str = "") -> str:
        """The variable's text without blanks around it; an empty one counts as not set."""
        return os.environ.get(name, "").strip() or default

    def flag(self, name: str, default: bool) -> bool:
        """true/false, yes/no, on/off, 1/0 in any letter case."""
        sentence = "{!r} is neither true nor false: set true or false."
        return self._read(name, default, lambda text: _FLAGS[text.lower()], sentence)

    def number(self, name: str, default: int, least: int = 0, most: int = 10**12) -> int:
        """A whole number within [least, most]."""
        sentence = f"{{!r}} will not do: set a whole number from {least} to {most}."
        return self._read(name, default, lambda text: _within(least, int(text), most), sentence)

    def duration(self, name: str, default: str, least: float = 0.001) -> timedelta:
        """A length of time such as 500ms, 30s, 10m, 168h or 1h30m; `least` is in seconds."""
        sentence = "{!r} is no duration: set one such as 30s, 10m or 168h."
        seconds = self._read(name, _seconds(default), lambda text: _within(least, _seconds(text), 10**9), sentence)
        return timedelta(seconds=seconds)

    def choice(self, name: str, default: str, choices: tuple[str, ...], **others: str) -> str:
        """One of `choices`, in any letter case; `others` are more words for some of them."""
        words = {word: word for word in choices} | others
        sentence = f"{{!r}} is unknown: set one of {', '.join(choices)}."
        return self._read(name, default, lambda text: words[text.lower()], sentence)

    def zone(self, name: str, default: str) -> str:
        """A time zone this machine has data for; with another, Django itself would stop with a traceback."""
        sentence = "{!r} is no time zone: set one such as Asia/Shanghai."
        return self._read(name, default, lambda text: ZoneInfo(text).key, sentence)

    def url(self, name: str, default: str = "") -> str:
        """An http(s) address without a slash at its end, or ''; the default counts only where nothing at all is set."""
        unset = "" if name in os.environ else default
        return self._read(name, unset, _url, "this is no address: set one such as http://127.0.0.1:8317.")

    def networks(self, name: str) -> list:
        """IP addresses and networks, between commas or blanks."""
        sentence = "set IP addresses or networks, such as 127.0.0.1 or 10.0.0.0/8, with commas between them."
        return self._read(name, [], _networks, sentence)

    def origins(self, name: str) -> list[str]:
        """Web origins, or self, between commas or blanks."""
        return self._read(name, [], _origins, "set origins such as https://cpa.example.org, with commas between them.")

    def database(self, name: str) -> dict:
        """A postgres://user:password@host:port/name address as Django's database settings, or {}."""
        sentence = "this is no PostgreSQL address: set postgres://user:password@host:port/name."
        return self._read(name, {}, _database, sentence)

    def secret(self, name: str, path: Path) -> str:
        """The variable's text, else the secret kept at `path`, else, where none can be kept, one for this process."""
        try:
            return self.text(name) or kept_secret(path)
        except OSError as error:
            self._note(name, f"none can be kept in {path} ({error.strerror}): set one.")
            return secrets.token_hex()

    def folder(self, name: str, path: Path) -> Path:
        """The folder at `path`, made when it is missing, for this user alone; `name` is the variable that chose it."""
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            why = error.strerror.lower()
            self._note(name, f"{path} cannot be made ({why}): name a folder that this user can write to.")
        return path

    def unused(self) -> list[str]:
        """Variables of the older cpa-usage that are set and change nothing here."""
        return [name for name in UNUSED if self.text(name)]

    def _read(self, name, default, cast, sentence):
        """The variable as `cast` reads it. `sentence` may show the text as {!r}, unless that may hold a password."""
        if not self.text(name):
            name = _OLDER_NAMES.get(name, name)
        text = self.text(name)
        try:
            return cast(text) if text else default
        except _UNREADABLE:
            self._note(name, sentence.format(text))
            return default

    def _readable_lines(self, dotenv):
        """The others are noted by their number alone, for they may hold a secret."""
        try:
            lines = dotenv.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError):
            self._note(dotenv.name, "this file cannot be read: make it readable, and UTF-8.")
            return ""
        for number, line in enumerate(lines, 1):
            if not _LINE.fullmatch(line):
                self._note(dotenv.name, f"line {number} does not read: write NAME=value, without blanks.")
        return "\n".join(line for line in lines if _LINE.fullmatch(line))

    def _note(self, name, sentence):
        self.mistakes.append(Mistake(name, sentence))


def kept_secret(path: Path) -> str:
    """The secret kept in the file at `path` (mode 0600), made on first use; processes starting together share one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Written under another name and linked: other processes see no file or a whole one. The name is random, for in
    # containers that share the folder processes have the same ids. Its mode is 0600.
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f"{path.name}.") as draft:
        draft.write(secrets.token_urlsafe(50))
        draft.flush()
        with contextlib.suppress(FileExistsError):
            os.link(draft.name, path)
    return path.read_text().strip()


def _require(good):
    if not good:
        raise ValueError


def _within(least, value, most):
    _require(least <= value <= most)
    return value


def _seconds(text):
    text = text.lower()
    _require(re.fullmatch(r"(\d+(\.\d+)?(ms|[smhd])\s*)+", text))
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)(ms|[smhd])", text))


def _url(text):
    parts = urlsplit(text)  # raises ValueError for a bracket left open; parts.port for a port that is no number
    _require(parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and "@" not in parts.netloc)
    return text.rstrip("/")


def _words(text):
    return text.replace(",", " ").split()


def _networks(text):
    return [ipaddress.ip_network(word, strict=False) for word in _words(text)]


def _origins(text):
    words = _words(text.lower())
    _require(all(re.fullmatch(r"self|https?://[a-z0-9.-]+(:\d{1,5})?", word) for word in words))
    return ["'self'" if word == "self" else word for word in words]


def _database(text):
    _require(text.startswith(("postgres://", "postgresql://")))
    found = environ.Env.db_url_config(text)
    _require(found["NAME"])
    return found
