"""What a page sends. What a card token may be is the service's to check, and to report."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError


class EnrollForm(forms.Form):
    """What the page posts back; ``posted`` reads it, for there is nothing to validate.

    ``made_for`` is what the page was made for, signed; ``returned`` what a return from a redirect proves itself by.
    """

    card_token = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)
    made_for = forms.CharField(required=False, widget=forms.HiddenInput)
    returned = forms.CharField(required=False, widget=forms.HiddenInput)


def posted(request: HttpRequest, name: str) -> str:
    """A field of the form; empty where it is missing."""
    return request.POST.get(name, "")


def is_readable(request: HttpRequest) -> bool:
    """Whether a form came whole and no larger than the site allows: read here, it can be answered with a page."""
    try:
        request.POST  # noqa: B018  reads it
    except (SuspiciousOperation, UnreadablePostError, MultiPartParserError):
        return False
    return True


def json_object(request: HttpRequest) -> dict[str, Any] | None:
    """What the page's script sent; ``None`` where it is anything else: no JSON, too large, nested too deep, cut off."""
    try:
        sent = json.loads(request.body)
    except (ValueError, RecursionError, SuspiciousOperation, UnreadablePostError):
        return None
    return sent if isinstance(sent, dict) else None
