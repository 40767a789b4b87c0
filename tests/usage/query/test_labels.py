"""Adding a label takes one entry of the registry (its column is there): everything else is derived from it."""

import json
import os
import subprocess
import sys

from tests import PROJECT

SCRIPT = """
import json
import django

django.setup()
from usage.models.labels import LABELS, Label

LABELS["auth_type"] = Label("auth_type", "Sign-in", "auth_type", "How CPA signs in upstream.", kept=True)

from django.core.management import call_command
from django.test import Client
from tests.usage.made import NOON, record, stored

call_command("migrate", verbosity=0)
stored(record(NOON, auth_type="oauth"), record(NOON + 1, auth_type="apikey", source="sk-upstream-0123456789"))

from usage.models import LabelValue

def get(path, **query):
    reply = Client().get(f"/api/v1/usage/{path}", query)
    return reply.json()

page = Client().get("/analysis/", {"range": "all", "auth_type": "oauth", "by": "auth_type"}).content.decode()
form = Client().get("/filters/", {"range": "all"}).content.decode()
schema = Client().get("/api/schema/", headers={"accept": "application/vnd.oai.openapi+json"}).json()
overview = schema["paths"]["/api/v1/usage/overview"]["get"]["parameters"]
print(json.dumps({
    "filtered": get("overview", auth_type="oauth")["summary"]["total"],
    "either": get("overview", auth_type=["oauth", "apikey"])["summary"]["total"],
    "without": get("overview", not_auth_type="oauth")["summary"]["total"],
    "none": get("overview", auth_type="(none)")["summary"]["total"],
    "options": get("events/filters")["auth_types"],
    "breakdown": [row["key"] for row in get("breakdown", by="auth_type")["rows"]],
    "kept": sorted(LabelValue.objects.filter(label="auth_type").values_list("value", flat=True)),
    "parameter": [each["description"] for each in overview if each["name"] == "auth_type"],
    "chip": 'class="chip on"' in page and "Sign-in" in page,
    "boxes": 'name="auth_type"' in form and 'name="not_auth_type"' in form,
}))
"""


def test_a_label_more_is_filtered_grouped_listed_described_and_kept(tmp_path):
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "filtered": 1,
        "either": 2,
        "without": 1,
        "none": 0,
        "options": ["apikey", "oauth"],
        "breakdown": ["apikey", "oauth"],
        "kept": ["apikey", "oauth"],
        "parameter": ["How CPA signs in upstream. May be given several times: any of the values."],
        "chip": True,
        "boxes": True,
    }
