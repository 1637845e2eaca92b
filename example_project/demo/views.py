"""The demo's own pages: the scenarios to choose from, and what an operator was told."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model, login
from django.contrib.auth.models import Permission
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from . import example_id
from .scenarios import BY_SLUG, SCENARIOS
from .stage import AGENCY, STAGE


@require_safe
@never_cache
def start(request: HttpRequest) -> HttpResponse:
    return render(request, "demo/start.html", {"groups": SCENARIOS})


@require_POST
def choose(request: HttpRequest, slug: str) -> HttpResponse:
    """Set the stage, and begin as a rider whom nobody knows, or as a staff member with one in front of the counter."""
    if slug not in BY_SLUG:
        raise Http404
    STAGE.show(slug)
    request.session.flush()
    if "in_person" in request.POST:
        login(request, _user("staff", "enroll_in_person"))
        response = redirect("staff")
    else:
        response = redirect("agency", AGENCY)
    example_id.forget(response)
    return response


@require_safe
@never_cache
def operator(request: HttpRequest) -> HttpResponse:
    return render(request, "demo/operator.html", {"told": STAGE.told()})


@require_POST
def sign_in_operator(request: HttpRequest) -> HttpResponse:
    """As somebody who may see incidents and nothing else."""
    login(request, _user("operator", "view_incident"))
    return redirect("admin:index")


def _user(name: str, permission: str) -> Any:
    """Somebody who has this permission and no other."""
    user, _ = get_user_model().objects.get_or_create(username=name, defaults={"is_staff": True})
    user.user_permissions.set(Permission.objects.filter(codename=permission))
    return user
