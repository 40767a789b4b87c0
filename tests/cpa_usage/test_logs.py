"""Log files by the day."""

import logging
import multiprocessing
from datetime import datetime

import pytest
from django.http import HttpResponse
from django.urls import resolve
from django.utils.log import log_response

from cpa_usage.logs import DailyFileHandler, MaskedPaths


@pytest.fixture
def handler(tmp_path):
    return DailyFileHandler(tmp_path, "tasks")


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


def logged(caplog, request):
    """What the log shows of the address of a failed request."""
    caplog.handler.addFilter(masked := MaskedPaths())
    try:
        log_response("%s: %s", "Not Found", request.path, response=HttpResponse(status=404), request=request)
    finally:
        caplog.handler.removeFilter(masked)
    return caplog.messages[-1]


def test_of_an_address_that_is_not_ours_a_mask_is_logged(rf, caplog):
    assert logged(caplog, rf.get("/sk-pasted-key-123456")) == "Not Found: /usa****3456"


def test_of_an_address_of_ours_the_pattern_is_logged(rf, caplog):
    request = rf.get("/api/v1/auth/sessions/sk-pasted-key-123456")
    request.resolver_match = resolve(request.path_info)
    assert logged(caplog, request) == "Not Found: /api/v1/auth/sessions/<session_id>"


def test_a_message_that_does_not_format_stops_nothing(handler, capsys):
    handler.handle(logging.makeLogRecord({"msg": "%d", "args": ("x",)}))
    assert "Logging error" in capsys.readouterr().err
