"""Pictures of states that differ from the gallery's only in their words. Translators and reviewers need them; tests of
how pages look and work have the gallery's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from django.template import Context, Template

from enrollment_errors.availability import Availability
from enrollment_errors.catalogue import CODES, explained
from enrollment_errors.outcomes import Outcome
from enrollment_errors.pages import PAGES
from tests.site import AGENCY

from . import gallery
from .gallery import COAST, DATES, FACTS, HERE, REFERENCE, SWITCHED_OFF, Picture, target

OF_THE_SITE = "of_the_site"
"""Stands for any code of a site's own rules."""
TOLD_TO_STAFF = [
    *(
        name
        for name, code in CODES.items()
        if code.is_reported
        and code.outcome is not Outcome.UNFINISHED
        and (code.is_fault or code.outcome in (Outcome.RETRY, Outcome.TOO_EARLY))
    ),
    OF_THE_SITE,
]
"""The codes that a page for staff shows, with their meaning and advice."""

IN_ADMIN = "in-person-in-admin"
UNAVAILABLE = "unavailable"
_SITES_PAGE = """{% extends "enrollment_errors/page.html" %}
{% block enrollment_title %}{{ enrollment.agency.name }}{% endblock %}
{% block enrollment_content %}{% include "enrollment_errors/unavailable.html" %}{% endblock %}"""
"""A site's page that tells riders whether they can enroll."""


def _told_to_staff(code: str) -> Picture:
    page = PAGES[explained(code).outcome].name
    # Of the one success among them, a link into another group, nothing else is known.
    shown = "success-unknown" if page == "success" else page.replace("_", "-")
    told = {"code": code, "advice": explained(code), "reference": REFERENCE, "already_linked": page == "success"}
    return _of(f"in-person-code-{code}", f"in-person-{shown}", **told)


def _of(name: str, shown: str, **context: Any) -> Picture:
    """A picture of the gallery with another name and some other facts."""
    picture = gallery.ALL[shown]
    return Picture(name, picture.page, {**picture.context, **context})


ELSEWHERE = replace(AGENCY, other_ways="At the counter on Main Street, Monday to Friday")
PICTURES = {
    picture.name: picture
    for picture in (
        *map(_told_to_staff, TOLD_TO_STAFF),
        _of("server-error-no-phone", "server-error", agency=replace(AGENCY, phone="")),
        _of("cannot-enroll-no-agency", "cannot-enroll", agency=None),
        _of("success-digits-alone", "success", **{**FACTS, "card_scheme": ""}),
        _of(
            "success-region-renewed",
            "success-region",
            targets=[
                target(HERE, "linked", enrolled="again", expires_at=DATES["expires_at"]),
                target(COAST, "linked"),
            ],
        ),
        _of("finishing-waiting-signed-in", "finishing-waiting", sign_in=gallery.SIGN_IN),
        _of("system-error-other-ways", "system-error", agency=ELSEWHERE),
        _of(
            "in-person-enroll-switched-off-message",
            "in-person-enroll-switched-off",
            switched_off=replace(SWITCHED_OFF, message="We are moving to new readers this weekend."),
        ),
        _of(IN_ADMIN, "in-person-success"),
        Picture(UNAVAILABLE, "unavailable", {"enrolling": Availability(is_available=False, why="circuit_open")}),
    )
}


def render(name: str, request: HttpRequest | None = None, sites: Mapping[str, Any] = {}, **changes: Any) -> str:
    """The HTML of one of these pictures or of one of the gallery's."""
    if name in gallery.ALL:
        return gallery.render(name, request, sites, **changes)
    if name == UNAVAILABLE:
        ours = {"base_template": "enrollment_errors/base.html", "agency": AGENCY}
        return Template(_SITES_PAGE).render(Context({**PICTURES[name].context, "enrollment": ours}))
    if name == IN_ADMIN:
        sites = gallery.in_admin(request)
    folder = "in_person/" if name.startswith("in-person-") else ""
    template = f"enrollment_errors/{folder}{PICTURES[name].page}.html"
    return gallery.render_template(template, PICTURES[name], request, sites, **changes)
