from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("usage", "0011_event_said")]
    operations = [migrations.RenameModel("Turn", "Lease")]
