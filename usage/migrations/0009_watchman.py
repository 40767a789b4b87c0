from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0008_labels_go"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="drainstate",
            name="last_error",
        ),
        migrations.RemoveField(
            model_name="drainstate",
            name="last_error_at",
        ),
        migrations.AddField(
            model_name="drainstate",
            name="counted",
            field=models.JSONField(
                default=dict, help_text="CPA's own counters when they last agreed with what we stored."
            ),
        ),
        migrations.AddField(
            model_name="gap",
            name="dismissed_at",
            field=models.DateTimeField(help_text="When a person put it aside.", null=True),
        ),
        migrations.AddField(
            model_name="gap",
            name="lost_by",
            field=models.JSONField(
                default=dict, help_text="How many of each account, by auth_index, where that is known."
            ),
        ),
        migrations.AddField(
            model_name="gap",
            name="times",
            field=models.IntegerField(default=1, help_text="How many gaps in a row this stands for."),
        ),
    ]
