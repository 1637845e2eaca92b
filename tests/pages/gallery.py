"""Every page that a rider may see, rendered without the views, with the context that they promise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.test import RequestFactory

import enrollment_errors
from enrollment_errors.adapter import SignIn
from enrollment_errors.availability import Availability
from enrollment_errors.catalogue import CODES
from enrollment_errors.finishing import Progress
from enrollment_errors.finishing_views import CANCEL, HEADINGS, NOT_NOW
from enrollment_errors.forms import EnrollForm
from enrollment_errors.in_admin import admin_frame
from enrollment_errors.processors.types import REDIRECT_ADAPTER, CardForm, CardFormKind
from tests.site import AGENCY

STATIC = Path(enrollment_errors.__file__).parent / "static" / "enrollment_errors"
REFERENCE = "H7P-2QX-9MR"
SIGN_IN = SignIn(provider="Login.gov", sign_out_url="/sign-out/")
DATES = {
    "expires_at": datetime(2027, 2, 1, tzinfo=ZoneInfo("America/Los_Angeles")),
    "reenrollment_opens_at": datetime(2027, 1, 18, tzinfo=ZoneInfo("America/Los_Angeles")),
}
ENROLLED_AT = datetime(2026, 11, 28, 20, tzinfo=ZoneInfo("America/Los_Angeles"))
CARD: dict[str, Any] = {"card_scheme": "Visa", "card_last_digits": "0119", "benefit": "Older adults"}
NO_FACTS: dict[str, Any] = {
    "already_linked": False,
    "card_scheme": "",
    "card_last_digits": None,
    "benefit": "",
    "enrolled_with": "",
    "enrolled": "before",
    "enrolled_at": None,
    "expires_at": None,
    "never_expires": False,
    "reference": REFERENCE,
}
"""Of an enrollment that this visit does not know."""
FACTS = {
    **NO_FACTS,
    **CARD,
    "enrolled_with": AGENCY.name,
    "enrolled": "now",
    "enrolled_at": ENROLLED_AT,
    "never_expires": True,
}
CARDS = ["Visa", "Mastercard", "American Express"]
ENROLLED_BEFORE = {"card_scheme": "Visa", "card_last_digits": "0119", "address": "/success/?reference=a-signature"}
EXPIRES = {"never_expires": False, "expires_at": DATES["expires_at"]}
SWITCHED_OFF = Availability(
    is_available=False,
    why="switched_off",
    since=datetime(2026, 11, 28, 20, tzinfo=ZoneInfo("America/Los_Angeles")),
    until=datetime(2026, 11, 30, 8, tzinfo=ZoneInfo("America/Los_Angeles")),
    set_by="Ana",
)
DIALOG = CardForm(kind=CardFormKind.DIALOG, adapter="enrollment_errors/processors/littlepay.js")
REDIRECT = CardForm(kind=CardFormKind.REDIRECT, adapter=REDIRECT_ADAPTER)
INLINE = CardForm(kind=CardFormKind.INLINE, adapter="inline/card_fields.js", needs_access=False)
CARD_FORM: dict[str, Any] = {
    "kind": "dialog",
    "script": "/card-form.js",
    "scriptAttributes": {},
    "data": {"color": "#fff"},
    "needsAccess": True,
    "opensAtOnce": False,
}
PAGE_DATA: dict[str, Any] = {
    "tokenUrl": "/token/",
    "reportUrl": "/report/",
    "madeFor": "a-signature",
    "returned": False,
    "unfinished": "",
    "cardForm": CARD_FORM,
}
REDIRECT_DATA = {
    **PAGE_DATA,
    "tokenUrl": "/token/?gateway",
    "cardForm": {**CARD_FORM, "kind": "redirect", "script": "", "data": {}},
}
INLINE_DATA = {
    **PAGE_DATA,
    "cardForm": {
        **CARD_FORM,
        "kind": "inline",
        "script": "/card-fields.js",
        "scriptAttributes": {"data-key": "a-public-key"},
        "data": {},
        "needsAccess": False,
    },
}


def target(agency: str, state: str, **more: Any) -> dict[str, Any]:
    return {
        "agency": agency,
        "state": state,
        "code": "processor_error",
        "enrolled": "now" if state == "linked" else "before",
        "enrolled_at": ENROLLED_AT if state in ("linked", "already_linked") else None,
        "expires_at": None,
        "never_expires": state in ("linked", "already_linked") and "expires_at" not in more,
        "reenrollment_opens_at": None,
        **more,
    }


ENROLL: dict[str, Any] = {"form": EnrollForm(), "page_data": PAGE_DATA, "card_form": DIALOG}
HERE, COAST, HARBOR = "Mountain Valley Transit", "Coast Transit", "Harbor Bus Lines"
CAN_START_AGAIN = {"can_start_again": True, "enroll_url": "/enroll/"}
DONE = target(HERE, "linked", expires_at=DATES["expires_at"])
NOTHING_TO_REPEAT = {"needs_card": False, "can_try_again": False, "can_check_again": False, "enroll_url": "/enroll/"}
PARTIAL: dict[str, dict[str, Any]] = {
    "some": {"targets": [DONE, target(COAST, "failed")], "mix": "some", "can_try_again": True},
    "card": {"targets": [DONE, target(COAST, "failed"), target(HARBOR, "waiting")], "mix": "some", "needs_card": True},
    "checking": {"targets": [DONE, target(COAST, "unknown")], "mix": "checking", "can_check_again": True},
    "none": {"targets": [target(HERE, "failed"), target(COAST, "waiting")], "mix": "none", "needs_card": True},
    "enrolled": {
        "targets": [target(HERE, "already_linked"), target(COAST, "too_early", **DATES)],
        "mix": "enrolled",
        **CARD,
    },
}


FINISHING: dict[str, Any] = {
    "reference": REFERENCE,
    "address": "/finishing/?finishing=a-signature",
    "enroll_url": "/enroll/",
    "until": datetime(2026, 11, 29, 9, 30, tzinfo=ZoneInfo("America/Los_Angeles")),
    "can_be_canceled": False,
    "wants_to_cancel": False,
}
PROMISES: dict[str, dict[str, Any]] = {
    "waiting": {"progress": "waiting", "heading": HEADINGS[Progress.WAITING][0], "can_be_canceled": True},
    "checking": {"progress": "checking", "heading": HEADINGS[Progress.CHECKING][0], "can_be_canceled": True},
    "stopping": {"progress": "checking", "heading": HEADINGS[Progress.CHECKING][0], "until": None},
    "cancel": {"progress": "waiting", "heading": CANCEL[0], "can_be_canceled": True, "wants_to_cancel": True},
    "cancel-checking": {
        "progress": "checking",
        "heading": CANCEL[0],
        "can_be_canceled": True,
        "wants_to_cancel": True,
    },
    "enrolled": {"progress": "enrolled", "heading": HEADINGS[Progress.ENROLLED][0]},
    "not-done": {"progress": "not_done", "heading": HEADINGS[Progress.NOT_DONE][0]},
    "not-known": {"progress": "not_known", "heading": HEADINGS[Progress.NOT_KNOWN][0]},
    "canceled": {"progress": "canceled", "heading": HEADINGS[Progress.CANCELED][0], "until": None},
    "not-now": {"progress": "not_now", "heading": NOT_NOW[0], "reference": "", "until": None},
}


@dataclass(frozen=True)
class Picture:
    """A page in one state. ``name`` tells apart the states of a page."""

    name: str
    page: str
    context: Mapping[str, Any] = field(default_factory=dict)


PICTURES = {
    picture.name: picture
    for picture in (
        Picture("enroll", "enroll", ENROLL),
        Picture("enroll-before", "enroll", {**ENROLL, "accepted_cards": CARDS, "enrolled_before": ENROLLED_BEFORE}),
        Picture("enroll-redirect", "enroll", {"form": EnrollForm(), "page_data": REDIRECT_DATA, "card_form": REDIRECT}),
        Picture("enroll-inline", "enroll", {"form": EnrollForm(), "page_data": INLINE_DATA, "card_form": INLINE}),
        Picture("enroll-circuit-open", "enroll", {"circuit_open": True}),
        Picture("enroll-switched-off", "enroll", {"circuit_open": True, "switched_off": SWITCHED_OFF}),
        Picture("enroll-region", "enroll", {**ENROLL, "agencies": [HERE, COAST]}),
        Picture("enroll-again", "enroll_again", {**ENROLL, "targets": [DONE, target(COAST, "waiting")], "left": 1}),
        Picture("success", "success", FACTS),
        Picture("success-unknown", "success", NO_FACTS),
        Picture("success-expires", "success", {**FACTS, **EXPIRES}),
        Picture("success-renewed", "success", {**FACTS, **EXPIRES, "enrolled": "again", "card_scheme": ""}),
        Picture("success-region", "success", {**FACTS, "targets": [DONE, target(COAST, "linked")]}),
        Picture(
            "success-already",
            "success",
            {**FACTS, **EXPIRES, "already_linked": True, "enrolled": "before", "card_last_digits": None},
        ),
        Picture("check-card", "check_card", {"enroll_url": "/enroll/"}),
        Picture("too-early", "too_early", DATES),
        Picture("too-early-no-dates", "too_early", dict.fromkeys(DATES)),
        Picture("still-checking", "still_checking", {"reference": REFERENCE}),
        *(
            Picture(f"partial-{name}", "partial", {**NOTHING_TO_REPEAT, "reference": REFERENCE, **context})
            for name, context in PARTIAL.items()
        ),
        Picture("system-error", "system_error", {"reference": REFERENCE}),
        Picture("system-error-again", "system_error", {"reference": REFERENCE, **CAN_START_AGAIN}),
        Picture("system-error-switched-off", "system_error", {"reference": REFERENCE, "switched_off": SWITCHED_OFF}),
        Picture("server-error", "server_error", {"reference": REFERENCE}),
        Picture("cannot-enroll", "cannot_enroll", {"enroll_url": "/enroll/"}),
        Picture("changed", "changed", {"enroll_url": "/enroll/"}),
        Picture("no-more-cards", "no_more_cards", {"enrolled_before": ENROLLED_BEFORE}),
        Picture("no-more-cards-unknown", "no_more_cards", {"enrolled_before": {}}),
        Picture("too-many", "too_many", {"enroll_url": "/enroll/"}),
        *(Picture(f"finishing-{name}", "finishing", {**FINISHING, **context}) for name, context in PROMISES.items()),
    )
}
PAGES = sorted({picture.page for picture in PICTURES.values()})
SIGN_IN_MATTERS = sorted(name for name, picture in PICTURES.items() if picture.page in ("success", "system_error"))
"""Pictures that look different for a rider who is signed in."""

FOR_STAFF: dict[str, Any] = {
    "is_permitted": True,
    "is_of_earlier_rider": False,
    "next_rider_url": "/next-rider/",
    "code": "",
    "advice": None,
}
CODES_BY_PAGE = {
    "check_card": "card_refused",
    "still_checking": "link_answer_lost",
    "partial": "processor_error",
    "system_error": "processor_timeout",
    "server_error": "configuration_error",
    "too_early": "reenrollment_too_early",
}


_STAFFS_HEADINGS = dict((*HEADINGS.values(), CANCEL, NOT_NOW))


def _for_staff(picture: Picture, **context: Any) -> Picture:
    code = CODES_BY_PAGE.get(picture.page)
    if picture.page == "success":
        context = {"reference": "", **context}  # staff need it only to know an earlier rider
    if picture.page == "finishing":
        context["heading"] = _STAFFS_HEADINGS[picture.context["heading"]]
    explained = {"code": code, "advice": CODES[code], "reference": REFERENCE} if code else {}
    return Picture(
        picture.name, picture.page, {**FOR_STAFF, "enroll_url": "/enroll/", **picture.context, **explained, **context}
    )


IN_PERSON = {
    f"in-person-{name}": _for_staff(picture)
    for name, picture in {
        **PICTURES,
        "enroll-at-once": _for_staff(PICTURES["enroll"], card_form=replace(DIALOG, opens_at_once=True)),
        "cannot-enroll-not-permitted": _for_staff(PICTURES["cannot-enroll"], is_permitted=False),
        "success-earlier": _for_staff(PICTURES["success-unknown"], is_of_earlier_rider=True, reference=REFERENCE),
        "still-checking-earlier": _for_staff(PICTURES["still-checking"], is_of_earlier_rider=True),
    }.items()
}
"""The same pages, as staff see them when they enroll a rider in person."""
ALL = {**PICTURES, **IN_PERSON}


def speaks_as_another(name: str) -> bool:
    """Whether all of a region, or a promise to finish later, is enrolled or still being checked. Then the page says so
    in the words of the page for that state."""
    context = ALL[name].context
    return context.get("mix", context.get("progress")) in ("enrolled", "checking")


def in_admin(request: HttpRequest | None = None) -> dict[str, Any]:
    """The context for a page inside Django's admin, for a staff member who may do everything there."""
    request = request or RequestFactory().get("/")
    request.user = User(username="sam", is_staff=True, is_superuser=True)
    return {**admin_frame(request), "user": request.user}


def render(
    name: str,
    request: HttpRequest | None = None,
    sites: Mapping[str, Any] = {},
    *,
    signed_in: bool = False,
    **context: Any,
) -> str:
    """A picture's HTML in the active language. ``context`` overrides the picture's own context; ``sites`` is what the
    site adds to it."""
    template = f"enrollment_errors/{'in_person/' if name in IN_PERSON else ''}{ALL[name].page}.html"
    return render_template(template, ALL[name], request, sites, signed_in=signed_in, **context)


def render_template(
    template: str,
    picture: Picture,
    request: HttpRequest | None = None,
    sites: Mapping[str, Any] = {},
    *,
    signed_in: bool = False,
    **context: Any,
) -> str:
    """Any picture's HTML, with any template."""
    ours = {
        "page": picture.page,
        "base_template": sites.get("base_template", "enrollment_errors/base.html"),
        "agency": AGENCY,
        "home_url": "/home/",
        "sign_in": SIGN_IN if signed_in else None,
        "reference": "",
        **picture.context,
        **context,
    }
    return render_to_string(template, {"csrf_token": "a-csrf-token", **sites, "enrollment": ours}, request)
