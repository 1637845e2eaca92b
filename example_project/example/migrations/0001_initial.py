import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("enrollment_accounts", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Agency",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                (
                    "slug",
                    models.SlugField(help_text="In the address of the agency's pages, and in events.", unique=True),
                ),
                ("phone", models.CharField(blank=True, max_length=30)),
                (
                    "website",
                    models.CharField(
                        blank=True, max_length=200, validators=[django.core.validators.URLValidator(["https", "http"])]
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        help_text="With its transit processor.",
                        on_delete=django.db.models.deletion.PROTECT,
                        to="enrollment_accounts.account",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "agencies",
                "ordering": ("name",),
            },
        ),
        migrations.CreateModel(
            name="ConcessionGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "flow",
                    models.CharField(
                        choices=[
                            ("older-adult", "Older adults"),
                            ("low-income", "Riders with low income"),
                            ("regional", "Older adults, in the whole region"),
                            ("agency-card", "Riders with an agency card"),
                        ],
                        max_length=50,
                    ),
                ),
                ("group_id", models.CharField(max_length=100, verbose_name="id at the processor")),
                (
                    "agency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="groups", to="example.agency"
                    ),
                ),
            ],
            options={
                "ordering": ("agency__name", "pk"),
                "constraints": [models.UniqueConstraint(fields=("agency", "flow"), name="one_group_per_flow")],
            },
        ),
    ]
