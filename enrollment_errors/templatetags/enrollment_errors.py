"""What the pages' templates need beyond Django's own tags."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import pgettext

from ..availability import Availability, availability

register = template.Library()


@register.simple_tag(takes_context=True)
def nonce_attribute(context: Context) -> str | SafeString:
    """`` nonce="…"`` where the site has a nonce for this response, else nothing.

    Django 6 hands it out as ``csp_nonce`` in the context, django-csp as ``request.csp_nonce``. Both are lazy, and false
    until somebody writes them out, so only ``None`` tells that there is none.
    """
    nonce = context.get("csp_nonce")
    if nonce is None:
        nonce = getattr(getattr(context, "request", None), "csp_nonce", None)
    return "" if nonce is None else format_html(' nonce="{}"', nonce)


@register.simple_tag(takes_context=True)
def site_name(context: Context) -> str:
    """The agency's name, or what the site is about where no agency is known."""
    agency = context["enrollment"]["agency"]
    return agency.name if agency else pgettext("enrollment", "Transit benefits")


@register.simple_tag(takes_context=True)
def page_title(context: Context, problem: str) -> str:
    """What stands in ``<title>``: the problem, and the site's name; in the admin's frame as the admin writes it."""
    return f"{problem} | {context['site_title']}" if context.get("is_in_admin") else f"{problem}, {site_name(context)}"


@register.simple_tag
def enrollment_availability(account: str, agency: str = "", group_id: str = "") -> Availability:
    """Whether riders can enroll, for a site's own pages: ``{% enrollment_availability "mountain" as enrolling %}``."""
    return availability(account, agency=agency, group_id=group_id)


@register.filter
def spelled(reference: str) -> str:
    """``H7P-2QX-9MR`` as a screen reader should say it: ``H 7 P, 2 Q X, 9 M R``."""
    return ", ".join(" ".join(group) for group in reference.split("-"))


@register.filter
def unstopped(moment: str) -> str:
    """``8 a.m.`` before a sentence's own period, which would make two of it."""
    return moment.removesuffix(".")


@register.filter
def site_day(moment: datetime) -> date:
    """The day of a moment in the site's time zone, whichever one is active."""
    return timezone.localdate(moment, timezone.get_default_timezone())


@register.filter
def last_day(expires_at: datetime) -> date:
    """The last day of a benefit, in the site's time zone: an expiry is the midnight that ends it."""
    return site_day(expires_at - timedelta(microseconds=1))
