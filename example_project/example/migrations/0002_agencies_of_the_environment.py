"""Moves agencies and their accounts with Littlepay from the code and the environment into the database.

A deployment that never had any adds them in the admin. Secrets stay where they are; the database gets their names.
"""

from os import environ

from django.db import migrations

AGENCIES = (
    (
        {"slug": "mountain", "name": "Mountain Valley Transit", "phone": "(555) 010-0199"},
        {
            "older-adult": "mountain-older-adult",
            "low-income": "mountain-low-income",
            "agency-card": "mountain-agency-card",
        },
    ),
    (
        {"slug": "harbor", "name": "Harbor Bus Lines", "phone": "(555) 010-0142"},
        {"older-adult": "harbor-older-adult", "agency-card": "harbor-agency-card"},
    ),
)


def move(apps, schema_editor):
    if "LITTLEPAY_URL" not in environ:
        return
    accounts = apps.get_model("enrollment_accounts", "Account").objects
    agencies = apps.get_model("example", "Agency").objects
    for agency, groups in AGENCIES:
        name = agency["slug"]
        account = accounts.create(
            name=name,
            processor="enrollment_errors.processors.littlepay.LittlepayProcessor",
            is_active=True,
            options={
                "BASE_URL": environ["LITTLEPAY_URL"],
                "AUDIENCE": environ.get("LITTLEPAY_AUDIENCE", "https://littlepay.example"),
                "CARD_FORM_URL": environ.get("LITTLEPAY_CARD_FORM_URL", "https://verify.qa.littlepay.com"),
                "CLIENT_ID": environ.get(f"LITTLEPAY_CLIENT_ID_{name.upper()}", ""),
                "CLIENT_SECRET": f"LITTLEPAY_CLIENT_SECRET_{name.upper()}",
            },
        )
        moved = agencies.create(**agency, website=f"https://{name}.example", account=account)
        for flow, group in groups.items():
            moved.groups.create(flow=flow, group_id=group)


class Migration(migrations.Migration):
    dependencies = [("example", "0001_initial")]

    operations = [migrations.RunPython(move, migrations.RunPython.noop, elidable=True)]
