from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.SlugField(
                        help_text="What the site's adapter calls it. Letters, digits, dashes, underscores.",
                        max_length=100,
                        unique=True,
                    ),
                ),
                ("processor", models.CharField(max_length=200)),
                (
                    "is_active",
                    models.BooleanField(
                        default=False,
                        help_text="Riders can enroll with it. Until then it may be incomplete.",
                        verbose_name="in use",
                    ),
                ),
                ("options", models.JSONField(blank=True, default=dict, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "ordering": ("name",),
            },
        ),
    ]
