"""Endpoints without a login: whether this process answers, and its build."""

import os
import subprocess

from django.conf import settings
from django.http import HttpResponse
from django.views.decorators.http import require_safe
from msgspec import Struct
from rest_framework.response import Response

from cpa_usage import __built__, __commit__
from cpa_usage.http.rest import endpoint


class Pong(Struct, frozen=True):
    """The reply to a ping."""

    pong: bool
    version: str


class Build(Struct, frozen=True):
    """A version of a program; what is not known is "unknown" for us and empty for CPA."""

    version: str
    commit: str
    build_date: str


@require_safe
def healthz(request):
    """This process answers; whether CPA and the drain do is what /status says."""
    return HttpResponse(b'{"status":"ok"}', content_type="application/json")


@endpoint(Pong, is_open=True, summary="Whether cpa-usage answers")
def ping(request):
    """Whether cpa-usage answers."""
    return Response(Pong(pong=True, version=settings.VERSION))


def _our_build():
    """From the environment of an image, else from the release or repository we run in; read once, at start."""
    commit = os.environ.get("CPA_USAGE_COMMIT", "") or __commit__
    built = os.environ.get("CPA_USAGE_BUILD_DATE", "") or __built__
    if not commit:
        commit, _, committed = _git_show().partition(" ")
        built = built or committed
    return Build(version=settings.VERSION, commit=commit or "unknown", build_date=built or "unknown")


def _git_show():
    """ "<short commit> <date of the commit>", or "" outside of a repository or without git."""
    command = ["git", "-C", str(settings.BASE_DIR), "show", "--no-patch", "--format=%h %cI", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


OURS = _our_build()
