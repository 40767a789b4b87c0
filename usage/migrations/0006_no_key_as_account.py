"""A client's key that an earlier version kept as the name of an account goes.

CPA sends it as the source where an account has no name. The kept totals under it are counted again by
`manage.py rebuildrollups`.
"""

from django.db import migrations

from cpa_usage.keys import fingerprint


def forget_keys(apps, schema_editor):
    series, values = apps.get_model("usage", "Series"), apps.get_model("usage", "LabelValue")
    found = series.objects.exclude(source="").values_list("source", "api_key__fingerprint").distinct()
    for source in {source for source, key in found if fingerprint(source) == key}:
        series.objects.filter(source=source).update(source="", source_display="")
        values.objects.filter(label="source", value=source).update(value=f"forgotten {fingerprint(source)[:32]}")


class Migration(migrations.Migration):
    dependencies = [("usage", "0005_days_are_written_one_way"), ("aliases", "0001_initial")]

    operations = [migrations.RunPython(forget_keys, migrations.RunPython.noop)]
