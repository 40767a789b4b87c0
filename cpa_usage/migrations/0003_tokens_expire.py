from django.db import migrations, models


def rename(before, after):
    """A step of a migration: tokens of one scope have another."""
    return lambda apps, _: apps.get_model("cpa_usage", "ApiToken").objects.filter(scope=before).update(scope=after)


class Migration(migrations.Migration):
    dependencies = [
        ("cpa_usage", "0002_watchman"),
    ]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="expires_at",
            field=models.DateTimeField(
                blank=True, help_text="From when it is refused; empty: never.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="apitoken",
            name="scope",
            field=models.CharField(
                choices=[
                    ("read", "read the API"),
                    ("metrics", "read /metrics alone"),
                    ("all", "read and write the API, and read /metrics"),
                ],
                default="read",
                max_length=8,
            ),
        ),
        migrations.RunPython(rename("write", "all"), rename("all", "write")),
    ]
