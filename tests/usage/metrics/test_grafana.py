"""deploy/grafana/: every metric and label that the dashboard and the alert rules name is served."""

import json
import re
from datetime import timedelta

import pytest
import yaml
from django.utils import timezone
from django_q.models import Task

from cpa_usage.management.commands.plantasks import OURS
from tests import PROJECT
from tests.usage.made import NOON, record, stored
from tests.usage.metrics.test_metrics import families
from usage.models import DrainState

pytestmark = pytest.mark.django_db
FOLDER = PROJECT / "deploy" / "grafana"
NAME = re.compile(r"\bcpa_usage_\w+")
SELECTOR = re.compile(r"(cpa_usage_\w+)\{(\w+)!?=~?\"([^\"]*)\"\}")
GROUPED = re.compile(r"by \(([\w, ]+)\) \(rate\((cpa_usage_\w+)")


def rules():
    (group,) = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    return group["rules"]


def panels():
    return json.loads((FOLDER / "dashboard.json").read_text())["panels"]


def expressions():
    """(where, expression) of all rules and panels."""
    yield from ((rule["alert"], rule["expr"]) for rule in rules())
    for panel in panels():
        yield from ((panel["title"], target["expr"]) for target in panel.get("targets", ()))


@pytest.fixture
def served(db):
    """{name of a sample: {label: values}} with everything that can be served."""
    now = timezone.now()
    stored(record(NOON), record(NOON - 1, failed=True))
    DrainState.objects.update(heartbeat_at=now, last_pop_at=now, last_inserted_at=now, proved_at=now)
    for success in (True, False):
        ended = {"started": now, "stopped": now - timedelta(hours=1), "success": success}
        Task.objects.create(id=str(success), name="t", func="f", group=f"{OURS}retention", **ended)
    families()  # so that a request has been counted
    found = {}
    for family in families().values():
        for sample in family.samples:
            for label, value in sample.labels.items():
                found.setdefault(sample.name, {}).setdefault(label, set()).add(value)
            found.setdefault(sample.name, {})
    return found


def test_every_metric_is_served(served):
    for where, expression in expressions():
        names = NAME.findall(expression)
        assert names, where
        assert set(names) <= served.keys(), where


def test_every_label_and_value_that_is_asked_for_is_served(served):
    for where, expression in expressions():
        for name, label, value in SELECTOR.findall(expression):
            assert value in served[name][label], where
        for labels, name in GROUPED.findall(expression):
            assert set(labels.split(", ")) <= served[name].keys(), where
    for panel in panels():
        for target in panel.get("targets", ()):
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert all(shown <= served[name].keys() for name in NAME.findall(target["expr"])), panel["title"]
    for rule in rules():
        shown = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        assert all(shown <= served[name].keys() for name in NAME.findall(rule["expr"])), rule["alert"]


def test_the_documents_and_what_is_served_name_the_same(served):
    text = (PROJECT / "docs" / "monitoring.md").read_text()
    served = {re.sub("_(bucket|count|sum)$", "", name) for name in served}
    words = {
        name.replace(f"cpa_usage_{word}_", "cpa_usage_") for word in ("model", "provider", "account") for name in served
    }
    documented = {f"cpa_usage_{name}" for name in re.findall(r"^\| `(\w+)[`{]", text, re.MULTILINE)}
    assert documented == {name for name in words if not re.match("cpa_usage_(model|provider|account)_", name)}


def test_a_panel_lies_over_no_other():
    taken = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not taken & cells and at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in panels()}) == len(panels())
