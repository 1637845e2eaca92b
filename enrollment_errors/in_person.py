"""The only way to the site's ``Adapter.get_enrollment``: it asks first whether this user may enroll riders in person.

The views are the same for riders and staff, and the site's adapter tells them apart. That it also has to keep riders
away from the staff's address is easily forgotten, so the question is asked here.
"""

from __future__ import annotations

from django.http import HttpRequest

from . import conf
from .adapter import Enrollment

NAMESPACE = "in_person"


def enrollment_of(request: HttpRequest) -> Enrollment | None:
    """``None`` where this session may not enroll. Raises whatever the site's adapter raises."""
    adapter = conf.get_adapter()
    assert request.resolver_match is not None
    if NAMESPACE in request.resolver_match.namespaces and not adapter.may_enroll_in_person(request):
        return None
    return adapter.get_enrollment(request)
