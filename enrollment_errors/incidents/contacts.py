"""The agencies by the names that people know, as the site tells them to the doctor."""

from __future__ import annotations

import logging

from .. import conf
from ..adapter import Agency

logger = logging.getLogger("enrollment_errors")


def agencies() -> dict[str, Agency]:
    """By slug. Never raises: an operator's page is there when the site's own code is not well."""
    try:
        enrollments = conf.get_adapter().get_enrollments_to_check()
        return {each.agency.slug: each.agency for enrollment in enrollments for each in enrollment.each()}
    except Exception as error:  # noqa: BLE001  whatever the site's own code raises
        logger.warning("The site's agencies cannot be named: %s", type(error).__name__)
        return {}
