"""Reports an exception in the site's own code that changes nothing for the rider to the log and Sentry only."""

from __future__ import annotations

import logging
from contextlib import suppress

from .sentry import capture

logger = logging.getLogger("enrollment_errors")


def site_error(error: Exception, where: str) -> None:
    """``where`` names the hook or the step, such as ``Adapter.on_success``. Never raises, for any error."""
    # Only the type: the text of the site's own exception may hold anything.
    logger.error("The site's own code failed in %s: %s", where, type(error).__name__)
    with suppress(Exception):  # even if an SDK raises, the rider gets the page
        capture(error, tags={"enrollment.site_code": where, "side": "backend", "type": "error"}, context={})
