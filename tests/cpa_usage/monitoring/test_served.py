"""The web server with LOG_FORMAT=json: every line is an object, and those of a request bear its id."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests import PROJECT
from tests.served import environment

COMMAND = [sys.executable, "-m", "gunicorn", "--config=python:cpa_usage.gunicorn", "--bind=127.0.0.1:0"]


def objects(lines):
    """Each line, as the object that it must be."""
    assert [line for line in lines if not line.startswith("{")] == []
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What the server wrote, and the replies it gave."""
    directory = tmp_path_factory.mktemp("json")
    variables = environment(directory, "/usage") | {
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "debug",
        "PYTHONWARNINGS": "ignore",
    }
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0", "--skip-checks"]
    subprocess.run(migrate, cwd=PROJECT, env=variables, check=True)
    process = subprocess.Popen(
        [*COMMAND, "cpa_usage.wsgi"],
        cwd=PROJECT,
        env=variables,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        found = []
        for text in process.stderr:
            found.append(text)
            if "Listening at: " in text:
                address = json.loads(text)["message"].partition("Listening at: ")[2].split()[0]
                break
        with httpx.Client(base_url=f"{address}/usage", timeout=20) as client, ThreadPoolExecutor(4) as pool:
            ids = [f"id-{number}" for number in range(20)]
            ask = "/api/v1/usage/overview?range=sk-secret"
            replies = list(pool.map(lambda id: client.get(ask, headers={"X-Request-Id": id}), ids))
            odd = [client.get("/nothing", headers={"X-Request-Id": id}) for id in ("a b", "x" * 65, "<script>", "")]
            scrape = client.get("/metrics", headers={"User-Agent": "Prometheus", "Connection": "keep-alive"})
    finally:
        process.terminate()
        out, err = process.communicate(timeout=20)
    return objects([*found, *err.splitlines(), *out.splitlines()]), replies, odd, scrape


def test_lines_of_a_request_bear_the_id_that_its_reply_has(said):
    lines, replies, _, _ = said
    ids = [reply.headers["X-Request-Id"] for reply in replies]
    assert ids == [f"id-{number}" for number in range(20)]
    for id in ids:
        mine = [found for found in lines if found.get("request_id") == id]
        assert {found["logger"] for found in mine} == {"cpa_usage.monitoring.requests", "django.request"}
        (access,) = (found for found in mine if found["logger"] == "cpa_usage.monitoring.requests")
        assert access["message"].startswith("GET api/v1/usage/overview 400 in ")


def test_an_odd_id_is_not_taken_over(said):
    _, _, odd, _ = said
    made = [reply.headers["X-Request-Id"] for reply in odd]
    assert len(set(made)) == 4 and all(len(id) == 32 and id.isalnum() for id in made)


def test_the_servers_own_lines_are_objects_too_and_no_line_holds_what_was_asked(said):
    lines, _, _, scrape = said
    assert {"gunicorn.error", "django.request"} <= {found["logger"] for found in lines}
    assert all("request_id" not in found for found in lines if found["logger"] == "gunicorn.error")
    assert not any("sk-secret" in str(found) for found in lines)
    assert scrape.status_code == 200 and "cpa_usage_http_request_duration_seconds_bucket" in scrape.text
