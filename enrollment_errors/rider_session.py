"""The little that we keep about a rider between requests.

The site's session holds only one random value of ours, the visit. Everything else is in our own encrypted cookies, and
each says what it was made for. So a late answer of ours never overwrites the site's newer changes to its session, and
data from one visit or benefit does not work in another. This needs no database and survives the end of the session: a
link whose answer was lost can still be settled.

A session or cookie that cannot be read counts as empty, because every page must render without it.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import constant_time_compare, salted_hmac

from .adapter import Enrollment, Identity
from .encrypted_cookies import EncryptedCookies
from .in_person import is_in_person
from .outcomes import Outcome
from .packing import (
    as_moment,
    as_text,
    named,
    packed_enrollment,
    packed_link,
    packed_region,
    short,
    unpacked_enrollment,
    unpacked_link,
    unpacked_region,
)
from .processors.types import Access, Redirect, Tokenization
from .region import Region
from .results import PendingLink, Result
from .secret import Secret
from .visit import keep_visit, new_visit, visit_in

ACCESS, END, LOST, TOLD = "enrollment_access", "enrollment_end", "enrollment_lost_", "enrollment_told"
REGION = "enrollment_region"
"""The names of the cookies. Each lost link has a ``LOST`` cookie, and so has each region that another visit has put
aside; its name ends with the reference. ``REGION`` only exists for an enrollment with several targets."""
EXPIRY_MARGIN = 5.0
"""Seconds before its expiry from which a tokenization access is no longer used."""
KEPT = 24 * 60 * 60
"""Seconds for which the last result and a lost link are kept."""
_MOMENTS = ("enrolled_at", "expires_at", "reenrollment_opens_at")
MOST_LOST = 3
MOST_TOLD = 5


class RiderSession:
    """The data that we keep for the rider of ``request``. ``write_to`` writes the changes to the response.

    ``enrollment`` is the site's answer for this session, once it was asked; ``region`` is its progress, if it has
    several targets.
    """

    def __init__(self, request: HttpRequest, namespace: str, path: str) -> None:
        """``path`` is the enroll page, where this inclusion of the URLs begins. It limits where cookies go."""
        self.enrollment: Enrollment | None = None
        self.region: Region | None = None
        self._region_in = (REGION, "")
        self._request = request
        self._namespace = namespace
        self.path = path
        self._visit = visit_in(request)
        self._cookies = EncryptedCookies(request, path)

    def begin(self) -> None:
        """Makes sure that there is a visit to attach data to."""
        if self._visit is None:
            self._visit = new_visit()
            keep_visit(self._request, self._visit)

    def identity(self) -> Identity:
        """Random, and the same for the whole visit. It does not reveal who the rider is."""
        visit = self._visit or new_visit()
        user_id = _hash("user", visit["id"])
        return Identity(user_id=user_id, device_id=_hash("device", user_id), session_id=visit["began"])

    @property
    def proof(self) -> str:
        """A name for the proof of this visit. Each new visit is a new proof."""
        return _hash("proof", self._visit["id"]) if self._visit else ""

    def made_for(self, enrollment: Enrollment) -> str:
        """A signature for a page of this visit, which shows for whom and for what the page was made."""
        return self._made_for(enrollment, settings.SECRET_KEY)

    def is_made_for(self, made_for: str, enrollment: Enrollment) -> bool:
        """Whether the page with ``made_for`` was made in this visit, for this enrollment."""
        return self._visit is not None and any(
            constant_time_compare(made_for, self._made_for(enrollment, key))
            for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        )

    def _made_for(self, enrollment: Enrollment, key: Any) -> str:
        parts = [self._visit and self._visit["id"], self._namespace, *named(enrollment)]
        return salted_hmac("enrollment_errors.made_for", json.dumps(parts), secret=key, algorithm="sha256").hexdigest()

    def tokenization(self, enrollment: Enrollment) -> Tokenization | None:
        """The tokenization access fetched for this enrollment in this visit, until 5 s before it expires."""
        kept = self._access(enrollment)
        if kept is None:
            return None
        if "access_token" in kept:
            return Access(access_token=Secret(kept["access_token"]), expires_at=kept["expires_at"])
        return Redirect(url=kept["url"], handle=Secret(kept["handle"]), expires_at=kept["expires_at"])

    def keep_tokenization(self, enrollment: Enrollment, tokenization: Tokenization, *, returned: str) -> None:
        """``returned`` is the random value in this tokenization's return address, which proves the rider's return."""
        left = int(tokenization.expires_at - EXPIRY_MARGIN - time.time())
        if left <= 0:
            return
        opened = (
            {"access_token": tokenization.access_token.reveal()}
            if isinstance(tokenization, Access)
            else {"url": tokenization.url, "handle": tokenization.handle.reveal(), "returned": returned}
        )
        self._cookies.set(
            ACCESS, {"for": self.made_for(enrollment), "expires_at": tokenization.expires_at, **opened}, min(left, KEPT)
        )

    def forget_tokenization(self) -> None:
        self._cookies.delete(ACCESS)

    def returned_with(self, returned: str, enrollment: Enrollment) -> Secret | None:
        """The handle of the visit to the processor's site, if ``returned`` proves that the rider is back from it."""
        kept = self._access(enrollment) or {}
        if not returned or not constant_time_compare(str(kept.get("returned", "")), returned):
            return None
        return Secret(kept["handle"])

    def _access(self, enrollment: Enrollment) -> dict[str, Any] | None:
        kept = self._cookies.get(ACCESS)
        if kept is None or kept["expires_at"] - EXPIRY_MARGIN <= time.time():
            return None
        return kept if self.is_made_for(kept["for"], enrollment) else None

    def keep_end(
        self,
        result: Result,
        enrollment: Enrollment,
        *,
        brought: Secret | None = None,
        checked: str | None = None,
    ) -> None:
        """Keep the result of the last enrollment, for its page, for a link that is still open, and for a second click.

        ``brought`` is the card token, or the proof that the rider is back from a redirect. ``checked`` is the reference
        of the page that asked for a lost link.
        """
        self._cookies.set(
            END,
            {
                "visit": self._visit and self._visit["id"],
                "outcome": result.outcome.value,
                "code": result.code,
                "reference": result.reference,
                "made_for": self.made_for(enrollment),
                "agency": short(enrollment.agency.name),
                "benefit": short(enrollment.benefit),
                **{name: as_text(getattr(result, name)) for name in _MOMENTS},
                "card_scheme": result.card_scheme,
                "card_last_digits": result.card_last_digits,
                "brought": self._digest(brought, enrollment) if brought else None,
                "checked": checked,
            },
            KEPT,
        )
        self.keep_lost(result, enrollment)
        self.keep_told(result)
        if checked is not None:
            self._cookies.delete(LOST, checked)

    def end(self, reference: str) -> dict[str, Any]:
        """What ``keep_end`` kept of the enrollment that ended under ``reference``, with its moments as datetimes.

        Empty if this visit does not know it.
        """
        kept = self._end()
        if kept is None or kept["reference"] != reference:
            return {}
        return {**kept, **{name: as_moment(kept.get(name)) for name in _MOMENTS}}

    def enrolled_before(self, enrollment: Enrollment) -> dict[str, Any]:
        """The last end of this visit, if it is a success for the same enrollment. Otherwise empty."""
        kept = self._end()
        if kept is None or kept["outcome"] != Outcome.SUCCESS.value:
            return {}
        return kept if self.is_made_for(kept.get("made_for", ""), enrollment) else {}

    def end_of(self, brought: Secret, enrollment: Enrollment) -> tuple[Outcome, str] | None:
        """The outcome and reference that this card token, or this return, already had for this benefit: the rider
        clicked twice, or went back."""
        kept = self._end()
        if kept is None or kept["brought"] != self._digest(brought, enrollment):
            return None
        return Outcome(kept["outcome"]), str(kept["reference"])

    def end_of_check(self, reference: str) -> tuple[Outcome, str] | None:
        """The outcome and reference of the check that the rider made on the page of ``reference``."""
        kept = self._cookies.get(END)
        if kept is None or kept["checked"] != reference:
            return None
        return Outcome(kept["outcome"]), kept["reference"]

    def keep_told(self, result: Result) -> None:
        """Keep the codes of the last results for the pages of staff. Riders see no codes."""
        if is_in_person(self._request):
            earlier = (self._cookies.get(TOLD) or {}).items()
            told = [*earlier, (result.reference, [result.code, self._visit and self._visit["id"]])]
            self._cookies.set(TOLD, dict(told[-MOST_TOLD:]), KEPT)

    def told(self, reference: str) -> tuple[str, bool] | None:
        """The code that staff may read on the page of ``reference``, and whether it is from an earlier rider's visit.

        ``None`` if this browser does not know it, or must have forgotten it.
        """
        now = self._visit and self._visit["id"]
        if kept := (self._cookies.get(TOLD) or {}).get(reference):
            return kept[0], kept[1] != now
        lost = self.region_under(reference)
        visit = lost[1] if lost else (self._cookies.get(LOST, reference) or {}).get("visit")
        return None if visit is None else ("link_answer_lost", visit["id"] != now)

    def forget(self) -> None:
        """Forget everything about the last rider except lost links, which open only on the page of their reference."""
        self._put_region_aside()
        for name in (ACCESS, END, TOLD, REGION):
            self._cookies.delete(name)

    def _end(self) -> dict[str, Any] | None:
        kept = self._cookies.get(END)
        return kept if kept is not None and self._visit is not None and kept["visit"] == self._visit["id"] else None

    def _digest(self, brought: Secret, enrollment: Enrollment) -> str:
        """Covers the benefit too, because a rider may get another one for the same card in the same session."""
        return _hash("brought", self.made_for(enrollment), brought.reveal())

    def keep_lost(self, result: Result, enrollment: Enrollment) -> None:
        """Keep the lost link of ``result``, if any, for the page that it ends on."""
        if result.pending is not None:
            kept = {"link": packed_link(result.pending), "enrollment": packed_enrollment(enrollment)}
            self._write_lost(result.reference, {**kept, "visit": self._visit})

    def _write_lost(self, reference: str, kept: dict[str, Any]) -> None:
        sent_at = {
            known: max((lost.sent_at for lost in _links_in(cookie)), default=0.0)
            for known, cookie in self._cookies.all(LOST).items()
        }
        for known in sorted(sent_at, key=lambda known: sent_at[known])[: max(0, len(sent_at) + 1 - MOST_LOST)]:
            self._cookies.delete(LOST, known)
        self._cookies.set(LOST, kept, KEPT, reference=reference)

    def lost_link(self, reference: str) -> tuple[Enrollment, PendingLink] | None:
        """The link that the page of ``reference`` is still checking, and its enrollment.

        The result belongs to the visit of that page, even if the session is gone or now belongs to another rider.
        """
        kept = self._cookies.get(LOST, reference)
        if kept is None or "link" not in kept:
            return None
        self._visit = kept["visit"]
        return unpacked_enrollment(kept["enrollment"]), unpacked_link(kept["link"])

    def lost_links(self) -> list[PendingLink]:
        """All lost links that this browser still knows, for any card and benefit."""
        cookies = (self._cookies.get(REGION), *self._cookies.all(LOST).values())
        return [lost for kept in cookies for lost in _links_in(kept)]

    def begin_region(self, enrollment: Enrollment) -> Enrollment:
        """The enrollment, with only the targets that the next card is for if there are several."""
        if not enrollment.also:
            return enrollment
        kept = self.kept_region()
        if kept and kept.open_parts and named(kept.whole) == named(enrollment):
            self.region = kept.with_agencies_of(enrollment)
        else:
            self.region = Region.begun(enrollment)
        return self.region.round

    def region_reference(self) -> str:
        return self.region.reference if self.region else ""

    def end_before_card(self, result: Result) -> Result:
        """The result of a failure before the card is known: the same, or for a region the result of the whole."""
        if self.region is None:
            return result
        self.region = self.region.with_failure(result)
        self.keep_region()
        return self.region.end(result)

    def kept_region(self) -> Region | None:
        """The last region of this visit."""
        kept = self._cookies.get(REGION)
        if kept is None or self._visit is None or kept["visit"]["id"] != self._visit["id"]:
            return None
        return unpacked_region(kept["region"])

    def keep_region(self) -> None:
        region = self.region
        assert region is not None
        kept = {"visit": self._visit, "region": packed_region(region)}
        if self._region_in[0] == REGION:
            self._put_region_aside(but=region.reference)
            self._cookies.set(REGION, kept, KEPT)
        elif all(part.is_done for part in region.parts):
            self._cookies.delete(*self._region_in)
        else:
            name, reference = self._region_in
            self._cookies.set(name, kept, KEPT, reference=reference)

    def region_under(self, reference: str) -> tuple[Region, dict[str, Any]] | None:
        """The region of the page of ``reference``, and the visit that it belongs to. Another visit sees only the parts
        that are still unknown."""
        self._region_in = (REGION, "")
        kept = self._cookies.get(REGION)
        if kept is not None and kept["region"]["reference"] == reference:
            region = unpacked_region(kept["region"])
            is_ours = self._visit is not None and kept["visit"]["id"] == self._visit["id"]
            left = region if is_ours else region.only_unknown()
        else:
            self._region_in = (LOST, reference)
            kept = self._cookies.get(LOST, reference) or {}
            left = unpacked_region(kept["region"]) if "region" in kept else None
        return None if left is None else (left, kept["visit"])

    def go_on_with(self, region: Region, visit: dict[str, Any]) -> None:
        """Continue a region. As with ``lost_link``, the result belongs to the visit of its page."""
        self.region, self._visit = region, visit

    def _put_region_aside(self, but: str = "") -> None:
        """Keep the unknown parts of the old region under its reference, before a new one replaces it."""
        kept = self._cookies.get(REGION)
        if kept is None or kept["region"]["reference"] == but:
            return
        left = unpacked_region(kept["region"]).only_unknown()
        if left is not None:
            self._write_lost(left.reference, {"region": packed_region(left), "visit": kept["visit"]})

    def write_to(self, response: HttpResponseBase) -> None:
        self._cookies.write_to(response)


def _links_in(kept: dict[str, Any] | None) -> list[PendingLink]:
    """The lost links in a ``LOST`` or ``REGION`` cookie."""
    if kept is None:
        return []
    return unpacked_region(kept["region"]).lost_links() if "region" in kept else [unpacked_link(kept["link"])]


def _hash(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
