from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0001_initial"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="connection",
            name="attempts_counted",
        ),
        migrations.AddField(
            model_name="connection",
            name="not_offered",
            field=models.JSONField(default=list, help_text="What this version of CPA does not have, by name."),
        ),
        migrations.AddField(
            model_name="connection",
            name="refused_at",
            field=models.DateTimeField(help_text="When a login failed last.", null=True),
        ),
        migrations.AddField(
            model_name="connection",
            name="refused_count",
            field=models.IntegerField(default=0, help_text="Logins that failed since the last that did not."),
        ),
        migrations.AddField(
            model_name="connection",
            name="retention_seconds",
            field=models.IntegerField(help_text="For how long CPA keeps a record that is not taken.", null=True),
        ),
    ]
