"""The compose files, as far as they can be checked without an engine: names, secrets, and what contains what."""

import re

import pytest
import yaml

from tests import PROJECT

FILES = ["compose.yaml", "compose.postgres.yaml"]
OURS = {"compose.yaml": {"cpa-usage": []}, "compose.postgres.yaml": {n: [n] for n in ("web", "drain", "tasks")}}
KNOWN = set(re.findall(r"^#?([A-Z_]+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE))


def services(file):
    return yaml.safe_load((PROJECT / "deploy" / file).read_text())


@pytest.mark.parametrize("file", FILES)
def test_our_containers_are_confined_and_configured_by_known_variables(file):
    read = services(file)
    ours = {name: service for name, service in read["services"].items() if service["image"] == "cpa-usage"}
    assert {name: service.get("command", []) for name, service in ours.items()} == OURS[file]
    for service in ours.values():
        assert (PROJECT / "deploy" / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        assert service["read_only"] and service["init"] and service["tmpfs"] == ["/tmp"]
        assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
        assert service["volumes"] == ["data:/data"]
        assert set(service["environment"]) <= KNOWN


@pytest.mark.parametrize("file", FILES)
def test_every_secret_comes_from_outside_and_every_name_is_known(file):
    read = services(file)
    for service in read["services"].values():
        for name, value in service["environment"].items():
            if re.search("PASSWORD|KEY|DATABASE_URL", name):
                assert re.search(r"\$\{[A-Z_]+:\?", value), name
        named = [volume.split(":")[0] for volume in service.get("volumes", [])]
        assert {name for name in named if not name.startswith(".")} <= set(read["volumes"])
        assert set(service.get("depends_on", [])) <= set(read["services"])
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_the_entry_point_knows_each_process():
    known = (PROJECT / "deploy/entrypoint").read_text()
    for name in re.findall(r"^(\w+):", (PROJECT / "Procfile").read_text(), re.MULTILINE):
        assert re.search(rf"^    (\w+ \| )?{name}( \| \w+)?\) .*\brun\b", known, re.MULTILINE), name
