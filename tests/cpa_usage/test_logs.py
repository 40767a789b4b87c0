"""Log files by the day."""

import logging
import multiprocessing
from datetime import datetime

import pytest
from django.http import HttpResponse
from django.utils.log import log_response

from cpa_usage.logs import DailyFileHandler, MaskedPaths, masked_path


@pytest.fixture
def handler(tmp_path):
    made = DailyFileHandler(tmp_path, "tasks")
    yield made
    made.close()


def line(text, *moment):
    record = logging.makeLogRecord({"msg": text})
    record.created = datetime(*moment).timestamp()
    return record


def written(directory):
    return {path.name: path.read_text() for path in directory.iterdir()}


def test_nothing_is_made_before_there_is_something_to_say(handler, tmp_path):
    assert written(tmp_path) == {}


def test_a_new_file_begins_at_local_midnight(handler, tmp_path):
    for record in (
        line("before", 2026, 11, 24, 23, 59, 59),
        line("after", 2026, 11, 25),
        line("later", 2026, 11, 25, 9),
    ):
        handler.handle(record)
    assert written(tmp_path) == {"tasks-2026-11-24.log": "before\n", "tasks-2026-11-25.log": "after\nlater\n"}


def test_the_files_are_for_this_user_alone(handler, tmp_path):
    handler.handle(line("x", 2026, 11, 24))
    assert [oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()] == ["0o600"]


def _two_days(handler, start):
    start.wait()
    for day in (24, 25):
        for _ in range(100):
            handler.handle(line("x", 2026, 11, day))


def test_processes_that_share_a_file_lose_no_line_at_midnight(handler, tmp_path):
    fork = multiprocessing.get_context("fork")
    start = fork.Barrier(4)
    processes = [fork.Process(target=_two_days, args=(handler, start)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert written(tmp_path) == {f"tasks-2026-11-{day}.log": "x\n" * 400 for day in (24, 25)}


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/api/v1/usage/events", "/api/v1/usage/events"),
        ("/api/v1/sk-pasted-key-123456/", "/api/v1/sk-p****3456/"),
        ("/team7key", "/t****y"),
        ("/requests/12345678/abc", "/requests/1****8/***"),
        ("/favicon.ico", "/favi****.ico"),
        ("", ""),
    ],
)
def test_of_an_address_only_our_own_words_are_shown(path, shown):
    assert masked_path(path) == shown


def test_a_logged_request_that_failed_shows_no_key(rf, caplog):
    request = rf.get("/sk-pasted-key-123456")
    caplog.handler.addFilter(masked := MaskedPaths())
    try:
        log_response("%s: %s", "Not Found", request.path, response=HttpResponse(status=404), request=request)
    finally:
        caplog.handler.removeFilter(masked)
    assert [message.rpartition("/")[2] for message in caplog.messages] == ["sk-p****3456"]
