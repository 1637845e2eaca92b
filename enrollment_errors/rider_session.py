"""The little that is kept of a rider between requests, encrypted under one key of the site's session.

It fits into a signed-cookie session: the tokenization access, the link that is still open, the last end, and the random
names for analytics. A session that cannot be read counts as an empty one, because every page has to render without.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
import uuid
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from .encryption import decrypt, encrypt
from .host import Enrollment, Identity
from .outcomes import Outcome, PendingLink, Result
from .processors.base import CardForm, FundingSource, Redirect, Tokenization
from .redaction import Secret

KEY = "enrollment_errors"
_PURPOSE = "session.2"  # the number is the shape's: another shape reads nothing of this one
EXPIRY_MARGIN = 5.0
"""Seconds before its end at which a tokenization access is not used any more."""
_PAGES_OF_A_LINK = 8

logger = logging.getLogger("enrollment_errors")


class RiderSession:
    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._state = _read(request)

    def identity(self) -> Identity:
        """Random, made once a session. Tells nothing of who the rider is."""
        if "identity" not in self._state:
            self._keep("identity", {"user_id": uuid.uuid4().hex, "session_id": int(time.time() * 1000)})
        user_id = self._state["identity"]["user_id"]
        device_id = hashlib.sha256(f"device:{user_id}".encode()).hexdigest()[:32]
        return Identity(user_id=user_id, device_id=device_id, session_id=self._state["identity"]["session_id"])

    def tokenization(self, account: str) -> Tokenization | None:
        """The tokenization access for the processor account, until 5 s before it expires."""
        kept = self._state.get("tokenization")
        if kept is None or kept["account"] != account or kept["expires_at"] - EXPIRY_MARGIN <= time.time():
            return None
        if "access_token" in kept:
            return CardForm(access_token=Secret(kept["access_token"]), expires_at=kept["expires_at"])
        return Redirect(url=kept["url"], handle=Secret(kept["handle"]), expires_at=kept["expires_at"])

    def keep_tokenization(self, account: str, tokenization: Tokenization) -> None:
        secrets = (
            {"access_token": tokenization.access_token.reveal()}
            if isinstance(tokenization, CardForm)
            else {"url": tokenization.url, "handle": tokenization.handle.reveal()}
        )
        self._keep("tokenization", {"account": account, "expires_at": tokenization.expires_at, **secrets})

    def forget_tokenization(self) -> None:
        self._keep("tokenization", None)

    def pending(self, enrollment: Enrollment) -> PendingLink | None:
        """The link whose answer was lost, if it is of this enrollment."""
        kept = self._state.get("pending")
        if kept is None or (kept["account"], kept["group_id"]) != (enrollment.processor, enrollment.group_id):
            return None
        return PendingLink(
            account=kept["account"],
            group_id=kept["group_id"],
            funding_source=FundingSource(**kept["funding_source"]),
            expires_at=_moment(kept["expires_at"]),
        )

    def pending_of(self, reference: str, enrollment: Enrollment) -> PendingLink | None:
        """The same, if it is of the card that ended under ``reference``: another tab may have brought another card."""
        kept = self._state.get("pending")
        return self.pending(enrollment) if kept is not None and reference in kept["references"] else None

    def keep_end(
        self,
        result: Result,
        enrollment: Enrollment,
        *,
        card_token: Secret | None = None,
        checked: str | None = None,
    ) -> None:
        """How the last enrollment ended: for its page, for a link still open, and for a second click.

        ``checked`` is the reference of the page that asked for a lost link.
        """
        self._keep("pending", result.pending and self._pending_to_keep(result.pending, result))
        self._keep(
            "end",
            {
                "outcome": result.outcome.value,
                "code": result.code,
                "reference": result.reference,
                "expires_at": _text(result.expires_at),
                "reenrollment_opens_at": _text(result.reenrollment_opens_at),
                "card": _digest(card_token, enrollment) if card_token else None,
                "checked": checked,
            },
        )

    def _pending_to_keep(self, pending: PendingLink, result: Result) -> dict[str, Any]:
        """``references`` are those of the last pages that this link was still being checked on."""
        link = {
            "account": pending.account,
            "group_id": pending.group_id,
            "funding_source": {
                "id": pending.funding_source.id,
                "scheme": pending.funding_source.scheme,
                "category": pending.funding_source.category,
            },
        }
        before = self._state.get("pending") or {}
        references = before["references"] if link.items() <= before.items() else []
        if result.outcome is Outcome.UNKNOWN:
            references = [*references, result.reference]
        return {
            **link,
            "expires_at": _text(pending.expires_at),
            "references": references[-_PAGES_OF_A_LINK:],
        }

    def end(self, reference: str) -> dict[str, Any]:
        """``code``, ``expires_at`` and ``reenrollment_opens_at`` of the enrollment that ended under ``reference``.

        Empty where this session knows nothing of it.
        """
        kept = self._state.get("end")
        if kept is None or kept["reference"] != reference:
            return {}
        return {
            "code": kept["code"],
            "expires_at": _moment(kept["expires_at"]),
            "reenrollment_opens_at": _moment(kept["reenrollment_opens_at"]),
        }

    def success_of(self, card_token: Secret, enrollment: Enrollment) -> str | None:
        """The reference under which this very card token got this benefit: the rider clicked twice, or went back."""
        kept = self._state.get("end")
        if kept is None or kept["outcome"] != "success" or kept["card"] != _digest(card_token, enrollment):
            return None
        return str(kept["reference"])

    def end_of_check(self, reference: str) -> tuple[Outcome, str] | None:
        """Outcome and reference that checking again on the page of ``reference`` came to."""
        kept = self._state.get("end")
        if kept is None or kept["checked"] != reference:
            return None
        return Outcome(kept["outcome"]), kept["reference"]

    def _keep(self, name: str, value: Any) -> None:
        self._state[name] = value
        encrypted = encrypt(json.dumps(self._state), purpose=_PURPOSE)
        try:
            self._request.session[KEY] = encrypted
        except Exception as error:  # noqa: BLE001  whatever the site's session store may raise
            logger.warning("The session cannot be written: %s", type(error).__name__)


def _read(request: HttpRequest) -> dict[str, Any]:
    try:
        encrypted = request.session.get(KEY)
    except Exception as error:  # noqa: BLE001  whatever the site's session store may raise
        logger.warning("The session cannot be read: %s", type(error).__name__)
        return {}
    text = decrypt(encrypted, purpose=_PURPOSE) if isinstance(encrypted, str) else None
    return {} if text is None else json.loads(text)


def _digest(card_token: Secret, enrollment: Enrollment) -> str:
    """Of the card and the benefit: a rider may earn another one, for the same card, in the same session."""
    named = json.dumps(["card", enrollment.processor, enrollment.group_id, card_token.reveal()])
    return hashlib.sha256(named.encode()).hexdigest()


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
