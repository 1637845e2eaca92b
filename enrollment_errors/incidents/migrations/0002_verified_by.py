from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("enrollment_incidents", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="incident",
            name="verified_by",
            field=models.CharField(blank=True, max_length=32),
        ),
    ]
