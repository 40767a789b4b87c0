from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("usage", "0010_status_of_series")]
    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                models.Func(
                    "fail_body", output_field=models.CharField(), template="SUBSTR(%(expressions)s, 1, 160)"
                ),
                "timestamp",
                condition=models.Q(("fail_status_code__gt", 0), ("fail_body__gt", ""), _connector="OR"),
                name="event_said",
            ),
        ),
    ]
