from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0010_partitions"),
    ]

    operations = [
        migrations.AddField(
            model_name="drainstate",
            name="owner",
            field=models.CharField(blank=True, help_text="The run of a drain that may write.", max_length=32),
        ),
        migrations.AddField(
            model_name="drainstate",
            name="owned_until",
            field=models.DateTimeField(help_text="Until when, if it does not renew that.", null=True),
        ),
        migrations.AddField(
            model_name="drainstate",
            name="host",
            field=models.CharField(blank=True, help_text="The machine that it runs on.", max_length=255),
        ),
        migrations.AddField(
            model_name="drainstate",
            name="wanted_until",
            field=models.DateTimeField(help_text="Until then a drain with records to store has precedence.", null=True),
        ),
    ]
