"""Whom an operator can call: the agencies, by the names that people know, and the support for a processor."""

from __future__ import annotations

import logging

from django.utils.html import format_html, urlize
from django.utils.safestring import SafeString

from .. import conf
from ..adapter import Agency

logger = logging.getLogger("enrollment_errors")


def agencies() -> dict[str, Agency]:
    """The agencies by slug, as the adapter names them to the doctor. Never raises: operators need their page even
    while the site's own code fails."""
    try:
        enrollments = conf.get_adapter().get_enrollments_to_check()
        return {each.agency.slug: each.agency for enrollment in enrollments for each in enrollment.each()}
    except Exception as error:  # noqa: BLE001  the site's own code may raise anything
        logger.warning(
            "The adapter does not name the site's agencies (%s), so operators do not see their contacts.",
            type(error).__name__,
        )
        return {}


def agency_contact(agency: Agency) -> SafeString:
    """Its phone number, the hours when someone answers, and its website, as far as they are known."""
    parts = []
    if agency.phone:
        parts.append(format_html('<a href="tel:{}">{}</a>', agency.phone_link, agency.phone))
    if agency.hours:
        parts.append(format_html("{}", agency.hours))
    if agency.website:
        parts.append(format_html('<a href="{0}">{0}</a>', agency.website))
    return SafeString(", ".join(parts))


def support_contact(account: str, processor: str) -> SafeString:
    """The site's own text, with links. Empty if ``SUPPORT_CONTACTS`` has neither the account nor the processor."""
    contacts = conf.get_settings().SUPPORT_CONTACTS
    return SafeString(urlize(contacts.get(account) or contacts.get(processor, ""), autoescape=True))
