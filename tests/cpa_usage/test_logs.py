"""Log files by the day, and what a line is."""

import json
import logging
import multiprocessing
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import resolve
from django.utils.log import log_response

from cpa_usage.logs import DailyFileHandler, JsonLines, OfRequest, configured, logs_turns, request_id
from tests import PROJECT
from tests.served import environment


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
    caplog.handler.addFilter(masked := OfRequest())
    try:
        log_response("%s: %s", "Not Found", request.path, response=HttpResponse(status=404), request=request)
    finally:
        caplog.handler.removeFilter(masked)
    return caplog.messages[-1]


def test_of_an_address_that_is_not_ours_a_mask_is_logged(rf, caplog):
    assert logged(caplog, rf.get("/sk-pasted-key-123456")) == "Not Found: /usa****3456"
    assert logged(caplog, rf.get("/sk-pasted-key-123456/。")) == "Not Found: /usa****56/。"


def test_of_an_address_of_ours_the_pattern_is_logged(rf, caplog):
    request = rf.get("/api/v1/auth/sessions/sk-pasted-key-123456")
    request.resolver_match = resolve(request.path_info)
    assert logged(caplog, request) == "Not Found: /api/v1/auth/sessions/<session_id>"


def test_a_message_that_does_not_format_stops_nothing(handler, capsys):
    handler.handle(logging.makeLogRecord({"msg": "%d", "args": ("x",)}))
    assert "Logging error" in capsys.readouterr().err


def test_a_probe_is_logged_once_when_it_turns_and_once_when_it_turns_back(caplog):
    caplog.set_level("INFO")
    probe = logs_turns(lambda request: HttpResponse(f"{status}!", status=status))

    def ask(times):
        caplog.clear()
        with ThreadPoolExecutor(4) as threads:
            replies = list(threads.map(lambda _: probe(RequestFactory().get("/readyz")), range(times)))
        for reply in replies:
            log_response("Service Unavailable: /readyz", response=reply)
        return [(record.levelname, record.getMessage()) for record in caplog.records]

    status = 200
    assert ask(3) == []
    status = 503
    assert ask(8) == [("WARNING", "/readyz turned to 503: 503!")]
    status = 405
    assert ask(1) == []
    status = 503
    assert ask(8) == []
    status = 200
    assert ask(8) == [("INFO", "/readyz turned to 200: 200!")]


@pytest.mark.django_db
def test_a_probe_of_ours_writes_no_line_of_an_error(client, caplog):
    assert [client.get("/readyz").status_code for _ in range(3)] == [503, 503, 503]  # there is no drain
    assert [record for record in caplog.records if record.name == "django.request"] == []
    assert len(caplog.records) <= 1  # another test may have asked before


@pytest.mark.parametrize(("level", "said"), [("debug", "ABC"), ("info", "BC"), ("warning", "BC"), ("error", "C")])
def test_what_the_tasks_say_of_every_task_is_for_debugging(tmp_path, level, said):
    ask = (
        "import django; django.setup(); from django_q.conf import logger; "
        "logger.info('A'); logger.warning('B'); logger.error('C')"
    )
    env = environment(tmp_path, "") | {"LOG_LEVEL": level, "CPA_USAGE_PROCESS": "tasks"}
    done = subprocess.run([sys.executable, "-c", ask], cwd=PROJECT, env=env, capture_output=True, text=True, check=True)
    assert "".join(line[-1] for line in done.stderr.splitlines() if " django-q: " in line) == said


@pytest.fixture
def of_request():
    token = request_id.set("abc-1")
    yield
    request_id.reset(token)


@pytest.mark.usefixtures("of_request")
def test_a_line_of_json_is_one_object_whatever_is_said():
    record = line('a "quoted"\nsecond line, \u56e2\u961f', 2026, 11, 24, 12)
    record.levelname, record.name, record.process = "ERROR", "usage", 1
    try:
        raise ValueError("why")
    except ValueError:
        record.exc_info = sys.exc_info()
    text = JsonLines("web").format(record)
    assert "\n" not in text
    found = json.loads(text)
    assert found.pop("exception").endswith("ValueError: why")
    assert datetime.fromisoformat(found.pop("time")) == datetime(2026, 11, 24, 12).astimezone()
    assert found == {
        "level": "error",
        "logger": "usage",
        "process": "web",
        "request_id": "abc-1",
        "message": 'a "quoted"\nsecond line, \u56e2\u961f',
    }


def test_a_line_of_text_names_its_request(of_request):
    record = line("said", 2026, 11, 24, 12)
    shown = []
    for id in ("abc-1", ""):
        request_id.set(id)
        assert OfRequest().filter(record)
        shown.append(record.of_request)
    assert shown == ["[abc-1] ", ""]
    assert "{of_request}" in configured("text", "INFO", "web", None)["formatters"]["line"]["format"]


def test_without_a_folder_no_file_is_written(tmp_path):
    assert configured("text", "INFO", "web", None)["root"]["handlers"] == ["console"]
    assert configured("json", "INFO", "web", tmp_path)["root"]["handlers"] == ["console", "file"]
