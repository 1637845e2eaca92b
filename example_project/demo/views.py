"""The demo's own pages: the scenarios to choose from, and what operators have been told."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model, login
from django.contrib.auth.models import Permission
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from . import example_id
from .scenarios import BY_SLUG, SCENARIOS
from .stage import STAGE

_LOOKED_AFTER = ("example", "enrollment_accounts", "enrollment_ledger", "enrollment_settling", "enrollment_watch")
"""The apps that operators manage."""


@require_safe
@never_cache
def start(request: HttpRequest) -> HttpResponse:
    return render(request, "demo/start.html", {"groups": SCENARIOS})


@require_POST
def choose(request: HttpRequest, slug: str) -> HttpResponse:
    """Sets the stage, and begins as a new rider, or as a staff member with a rider at the counter."""
    if slug not in BY_SLUG:
        raise Http404
    STAGE.show(slug)
    request.session.flush()
    if "in_person" in request.POST:
        login(request, _user("staff", Q(codename="enroll_in_person")))
        response = redirect("staff")
    else:
        response = redirect("agency", BY_SLUG[slug].agency)
    example_id.forget(response)
    return response


@require_safe
@never_cache
def operator(request: HttpRequest) -> HttpResponse:
    return render(request, "demo/operator.html", {"told": STAGE.told()})


@require_POST
def sign_in_operator(request: HttpRequest) -> HttpResponse:
    """Signs in an operator who may view incidents and the ledger, manage agencies, their accounts and riders' cards,
    and switch enrollment on and off."""
    login(request, _user("operator", Q(codename="view_incident") | Q(content_type__app_label__in=_LOOKED_AFTER)))
    return redirect("admin:enrollment_accounts_account_changelist" if "accounts" in request.POST else "admin:index")


@require_POST
def settle(request: HttpRequest) -> HttpResponse:
    STAGE.settle()
    return redirect("demo-operator")


@require_POST
def watch(request: HttpRequest) -> HttpResponse:
    STAGE.watch()
    return redirect("demo-operator")


def _user(name: str, permissions: Q) -> Any:
    """A user with these permissions and no others."""
    user, _ = get_user_model().objects.get_or_create(username=name, defaults={"is_staff": True})
    user.user_permissions.set(Permission.objects.filter(permissions))
    return user
