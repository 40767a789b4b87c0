"""Days are written as 2026-11-24 in every file."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("usage", "0004_unknown_fields")]

    operations = [migrations.RemoveField("columnmapping", "order")]
