"""The data needed to settle a link later, encrypted like a session's: with ``SECRET_KEY``, or one of its fallbacks.

It contains neither a card token nor anything that identifies the rider: the identity is random.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from ..adapter import Enrollment, Identity
from ..encryption import decrypt, encrypt, keyed_digest
from ..packing import packed_enrollment, packed_link, unpacked_enrollment, unpacked_link
from ..reporting.report import Origin
from ..results import PendingLink

_PURPOSE = "settling"


@dataclass(frozen=True)
class Unsealed:
    link: PendingLink
    enrollment: Enrollment
    origin: Origin


def sealed(link: PendingLink, enrollment: Enrollment, origin: Origin) -> str:
    kept = {
        "link": packed_link(link),
        "enrollment": packed_enrollment(enrollment),
        "path": origin.path,
        "language": origin.language,
        "identity": asdict(origin.identity),
        "verified_by": origin.verified_by,
    }
    return encrypt(json.dumps(kept, separators=(",", ":")), purpose=_PURPOSE)


def unsealed(text: str) -> Unsealed | None:
    """``None`` if no known key opens it, or another version of this package sealed it."""
    opened = decrypt(text, purpose=_PURPOSE)
    if opened is None:
        return None
    kept = json.loads(opened)
    try:
        return Unsealed(
            unpacked_link(kept["link"]),
            unpacked_enrollment(kept["enrollment"]),
            Origin(
                path=kept["path"],
                language=kept["language"],
                identity=Identity(**kept["identity"]),
                verified_by=kept["verified_by"],
            ),
        )
    except (LookupError, TypeError, ValueError):
        return None


def rider_digest(rider: str) -> str:
    return keyed_digest("settling.rider", rider)


def link_digest(link: PendingLink, rider: str) -> str:
    return keyed_digest("settling", link.account, link.group_id, link.funding_source.id, rider)
