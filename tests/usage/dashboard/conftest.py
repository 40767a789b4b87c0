"""A server as in production with a week of traffic, and a real Chromium to look at it."""

import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest
from django.test import Client
from playwright.sync_api import sync_playwright

from tests import PROJECT
from tests.served import address_of, environment
from tests.usage.dashboard.hand import PASSWORD

# The shell is the same browser without windows, and takes a third of the processor's time.
CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None)


@pytest.fixture
def owner(settings):
    """A client that has signed in where that is needed."""
    settings.AUTH_ENABLED, settings.LOGIN_PASSWORD = True, PASSWORD
    client = Client()
    client.post("/login/", {"password": PASSWORD})
    return client


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """The environment of servers with a week of traffic and with collected, compressed static files."""
    env = environment(tmp_path_factory.mktemp("pages"), "/usage")
    env["DJANGO_SETTINGS_MODULE"] = "tests.usage.dashboard.served_settings"
    manage = [sys.executable, "-W", "ignore", "manage.py"]
    # What only the admin and the API's docs load is left out: compressing it takes longer than all these tests.
    unused = [f"--ignore={name}" for name in ("drf_spectacular_sidecar", "rest_framework", "admin")]
    for command in (["migrate", "--skip-checks", "-v0"], ["collectstatic", "--noinput", "-v0", *unused]):
        subprocess.run([*manage, *command], cwd=PROJECT, env=env, check=True)
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.usage.dashboard.seed"], cwd=PROJECT, env=env, check=True
    )
    return env


@contextmanager
def serving(env):
    """The address of the dashboard, served by gunicorn until the end of the block."""
    gunicorn = [sys.executable, "-m", "gunicorn", "--config=python:cpa_usage.gunicorn", "--bind=127.0.0.1:0"]
    server = subprocess.Popen([*gunicorn, "cpa_usage.wsgi"], cwd=PROJECT, env=env, stderr=subprocess.PIPE, text=True)
    try:
        yield f"{address_of(server)}/usage/"
    finally:
        server.terminate()
        server.communicate(timeout=20)


@pytest.fixture(scope="session")
def served(prepared):
    """The address of a dashboard that is open to all."""
    with serving(prepared) as address:
        yield address


@pytest.fixture(scope="session")
def guarded(prepared):
    """The address of the same dashboard where a password is asked for."""
    with serving(prepared | {"AUTH_ENABLED": "true", "LOGIN_PASSWORD": PASSWORD}) as address:
        yield address


@pytest.fixture(scope="module")
def chromium():
    """Debian's Chromium; without one these tests are left out, and say so.

    Of a module: while it is there the thread has a running event loop, in which Django refuses to ask a database.
    """
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, served):
    """A fresh window that remembers what went wrong in `page.wrong`."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, base_url=served)
    page = context.new_page()
    page.wrong = []
    page.on(
        "console", lambda message: page.wrong.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    yield page
    context.close()
