"""Names of fields of records that this version does not know."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("usage", "0003_columnmapping")]

    operations = [
        migrations.AddField(
            "drainstate",
            "unknown_fields",
            models.JSONField(default=list, help_text="Names of fields of records that we do not know."),
        ),
    ]
