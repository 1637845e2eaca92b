"""What the site keeps in a session: who qualifies for what, and the old step's token."""

import time
import uuid
from datetime import timedelta

from django.utils import timezone

from .models import Agency


def begin(request, agency, *, by_staff=False):
    """The rider has proven that they qualify."""
    session = request.session
    session["agency"] = agency.pk
    session["by_staff"] = by_staff
    session["eligible"] = True
    session["expiry"] = None
    if agency.expires_after is not None:
        last = timezone.localtime() + timedelta(days=agency.expires_after + 1)
        session["expiry"] = last.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    session.setdefault("visitor", str(uuid.uuid4()))
    session.setdefault("started", int(time.time() * 1000))


def agency_of(request):
    """The agency that the rider qualifies for, or ``None``."""
    if not request.session.get("eligible"):
        return None
    return Agency.objects.filter(pk=request.session.get("agency")).first()
