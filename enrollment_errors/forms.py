"""Reads what a page sends. The service checks the card token and reports a bad one."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError


class EnrollForm(forms.Form):
    """The fields that the page posts. ``posted`` reads them, because there is nothing to validate.

    ``made_for`` says, signed, what the page was made for. ``returned`` proves that a rider is back from a redirect.
    """

    card_token = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)
    made_for = forms.CharField(required=False, widget=forms.HiddenInput)
    returned = forms.CharField(required=False, widget=forms.HiddenInput)


def posted(request: HttpRequest, name: str) -> str:
    """A field of the form; empty if it is missing."""
    return request.POST.get(name, "")


def is_readable(request: HttpRequest) -> bool:
    """Whether the form arrived complete and within the site's size limits. An error here still gets a page."""
    try:
        request.POST  # noqa: B018  reads it
    except (SuspiciousOperation, UnreadablePostError, MultiPartParserError):
        return False
    return True


def json_object(request: HttpRequest) -> dict[str, Any] | None:
    """The JSON object that the page's script sent, or ``None``: not JSON, too large, nested too deep, or cut off."""
    try:
        sent = json.loads(request.body)
    except (ValueError, RecursionError, SuspiciousOperation, UnreadablePostError):
        return None
    return sent if isinstance(sent, dict) else None
