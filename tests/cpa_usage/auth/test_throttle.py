"""Tries at the password: counted for all processes, without keeping the owner out."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.utils import timezone
from rest_framework.exceptions import Throttled

from cpa_usage.auth.throttle import TRIES_OF_ALL, TRIES_PER_ADDRESS, count_try, forgive, place_of
from cpa_usage.models import KnownAddress, LoginTry, forget_old
from tests import PROJECT

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(set_clock):
    """It is noon; a function that sets the time to so many seconds after it."""

    def at(seconds):
        set_clock(datetime(2026, 11, 24, 12, tzinfo=UTC) + timedelta(seconds=seconds))

    at(0)
    return at


def is_let_try(address):
    try:
        count_try(address)
    except Throttled:
        return False
    return True


def storm():
    """Strangers use up the tries of all."""
    for number in range(TRIES_OF_ALL):
        count_try(f"198.51.{number}.1")


def test_an_address_has_ten_tries_a_minute(clock):
    assert [is_let_try("203.0.113.9") for _ in range(TRIES_PER_ADDRESS + 1)] == [True] * TRIES_PER_ADDRESS + [False]
    assert is_let_try("203.0.113.10")
    clock(60)
    assert is_let_try("203.0.113.9")


def test_how_long_to_wait(clock):
    clock(18)
    for _ in range(TRIES_PER_ADDRESS):
        count_try("203.0.113.9")
    with pytest.raises(Throttled) as refusal:
        count_try("203.0.113.9")
    assert refusal.value.wait == 42


def test_strangers_have_a_hundred_tries_together():
    storm()
    assert not is_let_try("203.0.113.9")


def test_strangers_do_not_keep_out_an_address_from_which_the_right_password_came():
    forgive("203.0.113.9")
    storm()
    assert [is_let_try("203.0.113.9") for _ in range(TRIES_PER_ADDRESS + 1)] == [True] * TRIES_PER_ADDRESS + [False]


def test_an_address_is_known_for_a_month():
    forgive("203.0.113.9")
    KnownAddress.objects.update(seen_at=timezone.now() - timedelta(days=31))
    storm()
    assert not is_let_try("203.0.113.9")


def test_the_right_password_forgets_the_wrong_ones():
    for _ in range(3):
        for _ in range(TRIES_PER_ADDRESS):
            count_try("203.0.113.9")
        forgive("203.0.113.9")


def test_who_is_over_the_limit_costs_no_write(django_assert_num_queries):
    for _ in range(TRIES_PER_ADDRESS + 1):
        is_let_try("203.0.113.9")
    before = list(LoginTry.objects.values_list("tries", flat=True))
    with django_assert_num_queries(1):
        assert not is_let_try("203.0.113.9")
    assert list(LoginTry.objects.values_list("tries", flat=True)) == before


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("x" * 100, "x" * 64),
    ],
)
def test_whose_tries_are_counted_together(address, place):
    assert place_of(address) == place


def test_old_counts_and_addresses_are_forgotten():
    now = timezone.now()
    minute = int(now.timestamp() // 60)
    for age in (0, 1, 3):
        LoginTry.objects.create(address="a", minute=minute - age, tries=1)
    KnownAddress.objects.create(address="new", seen_at=now - timedelta(days=29))
    KnownAddress.objects.create(address="old", seen_at=now - timedelta(days=31))
    forget_old()
    assert sorted(LoginTry.objects.values_list("minute", flat=True)) == [minute - 1, minute]
    assert list(KnownAddress.objects.values_list("address", flat=True)) == ["new"]


def test_tries_at_djangos_own_users_are_counted_too(settings):
    settings.AUTH_ENABLED = True
    User.objects.create_superuser("root", password="hers")
    request = RequestFactory().post("/", REMOTE_ADDR="203.0.113.9")
    assert authenticate(request, username="root", password="hers") is not None
    for _ in range(TRIES_PER_ADDRESS):
        assert authenticate(request, username="root", password="wrong") is None
    assert authenticate(request, username="root", password="hers") is None
    elsewhere = RequestFactory().post("/", REMOTE_ADDR="203.0.113.10")
    assert authenticate(elsewhere, username="root", password="hers") is not None


def test_processes_count_together(tmp_path):
    env = {
        "PATH": os.environ["PATH"],
        "CPA_BASE_URL": "http://127.0.0.1:1",
        "CPA_MANAGEMENT_KEY": "k",
        "SQLITE_PATH": str(tmp_path / "app.db"),
        "LOG_FILE_ENABLED": "false",
        "DJANGO_SETTINGS_MODULE": "cpa_usage.settings",
    }
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "cpa_usage", "--verbosity=0", "--skip-checks"],
        cwd=PROJECT,
        env=env,
        check=True,
    )
    counting = [subprocess.Popen([sys.executable, "-c", COUNT], cwd=PROJECT, env=env, stdout=-1) for _ in range(2)]
    let = sum(int(process.communicate(timeout=60)[0]) for process in counting)
    assert let == TRIES_PER_ADDRESS


COUNT = """
import django
import time_machine
django.setup()
from cpa_usage.auth import throttle
time_machine.travel(600, tick=False).start()
let = 0
for _ in range(10):
    try:
        throttle.count_try("203.0.113.9")
        let += 1
    except throttle.Throttled:
        pass
print(let)
"""
