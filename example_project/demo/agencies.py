"""The demo's agencies, one row each, and the code that puts them into the site's database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import environ
from typing import Any

from django.utils.module_loading import import_string

from enrollment_errors.sandbox.server import SandboxServer


@dataclass(frozen=True, kw_only=True)
class DemoAgency:
    """``groups`` are its concession groups at ``processor``, by flow. Its account is named after its ``slug``."""

    slug: str
    name: str
    phone: str
    website: str
    groups: Mapping[str, str]
    processor: str = "littlepay"


AGENCIES = (
    DemoAgency(
        slug="mountain",
        name="Mountain Valley Transit",
        phone="(555) 010-0199",
        website="https://mountain.example",
        groups={
            "older-adult": "mountain-older-adult",
            "low-income": "mountain-low-income",
            "regional": "mountain-regional",
            "agency-card": "mountain-agency-card",
        },
    ),
    DemoAgency(
        slug="harbor",
        name="Harbor Bus Lines",
        phone="(555) 010-0142",
        website="https://harbor.example",
        groups={
            "older-adult": "harbor-older-adult",
            "regional": "harbor-regional",
            "agency-card": "harbor-agency-card",
        },
    ),
    DemoAgency(
        slug="desert",
        name="Valley Desert Transit",
        phone="(555) 010-0177",
        website="https://desert.example",
        groups={
            "older-adult": "OLDER_ADULT",
            "low-income": "LOW_INCOME",
            "regional": "REGIONAL",
            "agency-card": "AGENCY_CARD",
        },
        processor="switchio",
    ),
)


def groups_at(processor: str) -> dict[str, str]:
    """The concession groups of all agencies at that processor, and the flow of each."""
    return {
        group: flow for agency in AGENCIES if agency.processor == processor for flow, group in agency.groups.items()
    }


def put_into_database(sandboxes: Mapping[str, SandboxServer]) -> None:
    """Does what operators of a real site do in the admin. It updates the demo's accounts at each start, because the
    sandbox has a new address then. It does not change agencies that already exist.
    """
    from example.models import Agency  # this needs Django to be set up

    for row in AGENCIES:
        account = _put_account(row.slug, sandboxes[row.processor])
        about = {"name": row.name, "phone": row.phone, "website": row.website, "account": account}
        agency, is_new = Agency.objects.get_or_create(slug=row.slug, defaults=about)
        for flow, group in row.groups.items() if is_new else ():
            agency.groups.create(flow=flow, group_id=group)


def _put_account(name: str, sandbox: SandboxServer) -> Any:
    """Puts its secrets where the site looks for them: the values in the environment, and the names in the database."""
    from enrollment_errors.accounts.models import Account

    entry = sandbox.account()
    options = entry["OPTIONS"]
    if sandbox.service.name == "littlepay":
        options["FUNDING_SOURCE_SCOPE"] = "demo"  # both of its agencies share a sandbox and its cards
    for option in import_string(entry["CLASS"]).account_options:
        if option.is_secret:
            secret = f"{sandbox.service.name}_{option.name}_{name}".upper().replace("-", "_")
            environ[secret], options[option.name] = options[option.name], secret
    about = {"processor": entry["CLASS"], "options": options, "is_active": True}
    return Account.objects.update_or_create(name=name, defaults=about)[0]
