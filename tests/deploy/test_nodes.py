"""Web and tasks on two machines with one PostgreSQL."""

import os
import shutil
import signal
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.faults.stage import free_port
from tests.waiting import until

TASKS, SCHEDULES = 30, 10
OURS = "DELETE FROM django_q_schedule"  # what the project plans is not looked at here
NGINX = """
pid {home}/nginx.pid; error_log {home}/error.log; daemon off;
events {{}}
http {{
    access_log off;
    client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u;
    scgi_temp_path {home}/s;
    upstream nodes {{ server 127.0.0.1:{one}; server 127.0.0.1:{other}; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://nodes; proxy_set_header Host $http_host; add_header X-Node $upstream_addr; }}
    }}
}}
"""


@pytest.fixture
def balanced(machine, servers, tmp_path):
    """The address of an nginx that asks one node after the other."""
    if not (program := shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")):
        pytest.skip("nginx is not installed")
    server, port = servers(), free_port()
    nodes = [machine(server.address, AUTH_ENABLED="true", LOGIN_PASSWORD="a-good-one") for _ in range(2)]
    with ThreadPoolExecutor() as starts:
        list(starts.map(lambda node: node.web(), nodes))
    configuration = NGINX.format(home=tmp_path, one=nodes[0].port, other=nodes[1].port, port=port)
    (tmp_path / "nginx.conf").write_text(configuration)
    nginx = subprocess.Popen([program, "-c", tmp_path / "nginx.conf", "-e", tmp_path / "error.log"])
    yield f"http://127.0.0.1:{port}/usage"
    nginx.terminate()
    nginx.wait()


def test_who_signs_in_on_one_web_node_is_signed_in_on_the_other(balanced):
    with httpx.Client(timeout=30, trust_env=False) as client:
        until(lambda: _status(client, f"{balanced}/healthz") == 200)
        signed_in = client.post(f"{balanced}/api/v1/auth/login", json={"password": "a-good-one"})
        assert signed_in.status_code == 200, signed_in.text
        replies = [client.get(f"{balanced}/api/v1/status") for _ in range(4)]
        assert [reply.status_code for reply in replies] == [200] * 4
        assert len({reply.headers["X-Node"] for reply in replies}) == 2
    with httpx.Client(timeout=30, trust_env=False) as stranger:  # tries on both nodes count together
        wrong = [stranger.post(f"{balanced}/api/v1/auth/login", json={"password": "no"}) for _ in range(11)]
    assert [reply.status_code for reply in wrong] == [401] * 10 + [429]


def _status(client, address):
    try:
        return client.get(address).status_code
    except httpx.HTTPError:
        return None


def test_tasks_on_two_nodes_run_once(machine, servers, tmp_path):
    server, log = servers(), tmp_path / "ran"
    log.touch()
    nodes = [machine(server.address, NODES_LOG=str(log), LOG_LEVEL="debug") for _ in range(2)]
    server.query(OURS)
    make(nodes[0], "schedule", SCHEDULES)
    clusters = [node.start("tasks", "manage.py", "qcluster") for node in nodes]
    for cluster in clusters:
        cluster.says("running.")
    make(nodes[0], "queue", TASKS)
    with ThreadPoolExecutor() as looks:  # both clusters look for what is due at the same moment
        list(looks.map(lambda node: make(node, "due"), nodes))
    until(lambda: len(log.read_text().split()) >= TASKS + SCHEDULES)
    assert set(Counter(log.read_text().split()).values()) == {1}
    assert all("Processed" in cluster.log for cluster in clusters)

    make(nodes[0], "slow", 1)
    until(lambda: "slow-0" in log.read_text())
    for cluster in clusters:  # one of them has it
        kill(cluster)
    lock = "SELECT extract(epoch FROM lock - now())::int FROM django_q_ormq"
    assert 3500 < server.query(lock)[0] <= 3600  # it runs again when that is over
    another = nodes[0].start("tasks", "manage.py", "qcluster")
    server.query("UPDATE django_q_ormq SET lock = now() - interval '1 second'")
    until(lambda: log.read_text().split().count("slow-0") == 2)
    kill(another)


def make(node, *words):
    done = node.run("-m", "tests.deploy.nodes", *words)
    assert done.returncode == 0, done.stderr


def kill(cluster):
    for pid in (cluster.popen.pid, *descendants(cluster.popen.pid)):
        os.kill(pid, signal.SIGKILL)


def descendants(pid) -> list[int]:
    found = []
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        for child in map(int, children.read().split()):
            found += [child, *descendants(child)]
    return found
