"""The image: each step of the Dockerfile is done in a folder, and what comes out runs as a container would."""

import re
import subprocess

import httpx
import pytest

from simulator import Simulator
from tests import PROJECT
from tests.deploy.image import Build, Container
from tests.faults.stage import free_port

MOST_BYTES = 200_000_000


@pytest.fixture(scope="module")
def image(tmp_path_factory, debian_root):
    home = tmp_path_factory.mktemp("image")
    found = subprocess.run(
        [PROJECT / "scripts/release", "--wheels", "3.11"], capture_output=True, text=True, check=True
    )
    yield Build(PROJECT / "deploy/Dockerfile", home, debian_root, found.stdout.strip()).image
    subprocess.run(["rm", "-rf", home], check=True)


@pytest.fixture
def cpa():
    with Simulator(management_key="test-management-key") as simulator:
        yield simulator


@pytest.fixture
def start(image, cpa, tmp_path):
    """A function that runs the image with some words, on one volume and with one configuration."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    uid = int(image.user)
    subprocess.run(["chown", f"{uid}:{uid}", data], check=True)
    port, running = free_port(), []

    def started(*words):
        variables = {"CPA_BASE_URL": cpa.base_url, "CPA_MANAGEMENT_KEY": cpa.management_key, "APP_PORT": str(port)}
        variables |= {"APP_HOST": "127.0.0.1", "APP_BASE_PATH": "/elsewhere", "PRICES_URL": ""}
        running.append(Container(image, data, tmp_path / f"{'-'.join(words) or 'all'}.log", *words, **variables))
        return running[-1]

    started.address = f"http://127.0.0.1:{port}/elsewhere"
    yield started
    for container in running:
        container.stop()


def test_it_is_small_and_holds_nothing_but_what_it_needs(image):
    assert image.bytes < MOST_BYTES
    app = image.root / "app"
    assert {path.name for path in app.iterdir()}.isdisjoint({"tests", ".git", ".env", "data", "logs", ".ci", "dist"})
    assert not (image.root / "usr/bin/pip3").exists() and not [*app.glob(".venv/lib/*/site-packages/pip")]
    assert image.user != "0" and image.volumes == ["/data"]


def test_all_in_one_gets_healthy_answers_and_ends(start):
    container = start()
    container.gets_healthy()
    with httpx.Client(base_url=start.address, trust_env=False) as client:
        assert client.get("/readyz").json() == {"status": "ready"}
        page = client.get("/")
        assert page.status_code == 200
        style = re.search(r'href="/elsewhere(/static/[^"]+\.css)"', page.text)[1]
        assert client.get(style).status_code == 200
    assert container.execute("touch", "/app/file") != 0
    assert container.stop() == 0
    assert "Static files are collected" not in container.log


def test_each_process_in_a_container_of_its_own(start):
    names = ("drain", "web", "tasks")  # all at once, on no database
    containers = {name: start(name) for name in names}
    for container in containers.values():
        container.gets_healthy()
    assert {name: container.stop() for name, container in containers.items()} == dict.fromkeys(names, 0)
    assert "Traceback" not in "".join(container.log for container in containers.values())


def test_a_command(start):
    done = start("--version")
    assert done.popen.wait(60) == 0
    assert done.log.startswith("cpa-usage ")
