from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cpa_usage", "0001_sessions_tokens_and_tries"),
    ]

    operations = [
        migrations.CreateModel(
            name="Incident",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=32)),
                ("sentence", models.CharField(help_text="As it was last reported, without secrets.", max_length=500)),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField(help_text="Empty while it lasts.", null=True)),
            ],
            options={
                "ordering": ["-since", "-pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("until", None)), fields=("kind",), name="one_incident_of_a_kind"
                    )
                ],
            },
        ),
    ]
