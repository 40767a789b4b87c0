"""The status of failures as a label. The drain tells apart what is stored already: see usage/rollups/statuses.py."""

from hashlib import blake2b

from django.db import migrations, models


def mix(apps, schema_editor):
    """What was before knows no totals by status, and takes a label set with one for none of its own."""
    for name in ("CutQuarter", "CutHour", "CutDay"):
        apps.get_model("usage", name).objects.filter(cut__label="status").delete()
    apps.get_model("usage", "Cut").objects.filter(label="status").delete()
    series = apps.get_model("usage", "Series").objects
    for id, digest in series.filter(failed=True).values_list("id", "digest"):
        # With the id, for what went back and forth before may have any other digest.
        series.filter(id=id).update(digest=blake2b(b"%d" % id + bytes(digest), digest_size=16).digest())


class Migration(migrations.Migration):
    dependencies = [("usage", "0009_cuts_of_more_labels")]
    operations = [
        migrations.AddField(
            model_name="series",
            name="status",
            field=models.IntegerField(help_text="Status code of failures, 0 for those without one.", null=True),
        ),
        migrations.AlterField(
            model_name="cut",
            name="label",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "everything"),
                    ("model", "Model"),
                    ("source", "Source"),
                    ("api_key", "Api Key"),
                    ("provider", "Provider"),
                    ("endpoint", "Endpoint"),
                    ("reasoning_effort", "Reasoning Effort"),
                    ("tier", "Tier"),
                    ("status", "Status"),
                ],
                max_length=16,
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, mix),
    ]
