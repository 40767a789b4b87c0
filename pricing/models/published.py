"""The catalogue that was fetched last, so that it survives a restart and serves while its publisher is away."""

import hashlib
import zlib
from datetime import datetime

from django.db import models
from django.utils import timezone


class PublishedCatalogue(models.Model):
    """One row: the last catalogue that could be read, and how the last look at its publisher went."""

    url = models.CharField(max_length=500, blank=True)
    package = models.CharField(max_length=64, blank=True, help_text="Version of genai-prices that read it.")
    data = models.BinaryField(null=True, help_text="As it was published, packed.")
    digest = models.CharField(max_length=64, blank=True)
    etag = models.CharField(max_length=255, blank=True)
    fetched_at = models.DateTimeField(null=True, help_text="When it was last another one.")
    checked_at = models.DateTimeField(null=True, help_text="When its publisher was last heard.")
    error = models.CharField(max_length=500, blank=True, help_text="Of the last look; blank when it went well.")
    error_at = models.DateTimeField(null=True)

    def __str__(self):
        return self.version

    @classmethod
    def load(cls) -> "PublishedCatalogue":
        """The row without its data; an unsaved one when there is none."""
        return cls.objects.defer("data").first() or cls(pk=1)

    @property
    def version(self) -> str:
        """The day it was fetched on and the beginning of its digest; '' without any data."""
        return f"{self.fetched_at:%Y-%m-%d} {self.digest[:12]}" if self.fetched_at else ""

    @property
    def body(self) -> bytes:
        """As it was published."""
        return zlib.decompress(self.data)

    def keep(self, url: str, package: str, body: bytes, etag: str):
        """Keep a catalogue that was read and found well."""
        digest, now = hashlib.sha256(body).hexdigest(), timezone.now()
        if digest != self.digest or package != self.package:
            self.data, self.digest, self.fetched_at = zlib.compress(body), digest, now
        self.url, self.package, self.etag = url, package, etag
        self.heard(now)

    def heard(self, now: datetime):
        """Its publisher answered at a moment that it is as it was, or with another one."""
        self.checked_at, self.error, self.error_at = now, "", None
        self.save()

    def failed(self, sentence: str):
        """The look failed: the catalogue stays, and the sentence is kept."""
        self.error, self.error_at = sentence[:500], timezone.now()
        self.save()
