import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Ending",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("outcome", models.CharField(max_length=20)),
                ("processor", models.CharField(blank=True, max_length=60)),
                ("account", models.CharField(blank=True, max_length=100)),
                ("agency", models.CharField(blank=True, max_length=100)),
                ("flow", models.CharField(blank=True, max_length=100)),
                ("method", models.CharField(blank=True, max_length=20)),
                ("stage", models.CharField(blank=True, max_length=20)),
                ("code", models.CharField(max_length=60)),
                ("upstream_status", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("key", models.CharField(max_length=64, unique=True)),
                ("first_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "overview",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Incident",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("outcome", models.CharField(max_length=20)),
                ("processor", models.CharField(blank=True, max_length=60)),
                ("account", models.CharField(blank=True, max_length=100)),
                ("agency", models.CharField(blank=True, max_length=100)),
                ("flow", models.CharField(blank=True, max_length=100)),
                ("method", models.CharField(blank=True, max_length=20)),
                ("stage", models.CharField(blank=True, max_length=20)),
                ("code", models.CharField(max_length=60)),
                ("upstream_status", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("reference", models.CharField(db_index=True, max_length=20)),
                ("at", models.DateTimeField(verbose_name="time")),
                ("route", models.CharField(blank=True, max_length=200, verbose_name="processor call")),
                ("exception", models.CharField(blank=True, max_length=200)),
                ("seconds", models.FloatField(blank=True, null=True)),
                ("side", models.CharField(max_length=20)),
                ("release", models.CharField(blank=True, max_length=100)),
                ("sentry_event_id", models.CharField(blank=True, max_length=32, verbose_name="Sentry event")),
            ],
            options={
                "ordering": ("-at",),
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["at"], name="incident_at"),
                    models.Index(fields=["code", "stage", "upstream_status", "at"], name="incident_cause"),
                    models.Index(fields=["agency", "at"], name="incident_agency"),
                ],
            },
        ),
        migrations.CreateModel(
            name="DayCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("count", models.PositiveIntegerField()),
                ("unlisted", models.PositiveIntegerField(default=0)),
                ("last_at", models.DateTimeField()),
                ("day", models.DateField()),
                (
                    "ending",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="%(class)ss",
                        to="enrollment_incidents.ending",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "default_permissions": (),
                "indexes": [models.Index(fields=["day"], name="day_count_day")],
                "constraints": [models.UniqueConstraint(fields=("ending", "day"), name="day_count_once")],
            },
        ),
        migrations.CreateModel(
            name="MinuteCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("count", models.PositiveIntegerField()),
                ("unlisted", models.PositiveIntegerField(default=0)),
                ("last_at", models.DateTimeField()),
                (
                    "ending",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="%(class)ss",
                        to="enrollment_incidents.ending",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "default_permissions": (),
                "indexes": [models.Index(fields=["last_at"], name="minute_count_last_at")],
            },
        ),
    ]
