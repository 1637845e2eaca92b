"""The page of a promise to finish later. The address is all that a rider needs to open it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext_lazy as _

from .decorators import enrollment_if_any, protected
from .finishing import PARAMETER, JournalDown, Progress, Promise, name_in
from .in_person import is_in_person
from .journal import get_journal
from .responses import Pages, finishing_url, page, url

HEADINGS: dict[Progress, tuple[LazyText, LazyText]] = {
    Progress.WAITING: (_("We will finish this for you"), _("We will finish this for the rider")),
    Progress.CHECKING: (_("We are still checking"), _("We are still checking")),
    Progress.ENROLLED: (_("Your card is enrolled"), _("The rider’s card is enrolled")),
    Progress.NOT_DONE: (_("We could not enroll your card"), _("We could not enroll the rider’s card")),
    Progress.NOT_KNOWN: (_("We do not know if your card is enrolled"), _("We do not know if the card is enrolled")),
    Progress.CANCELED: (_("Your enrollment is canceled"), _("The enrollment is canceled")),
}
"""The first heading is for riders, the second for staff."""
CANCEL = (_("Do you want to cancel this enrollment?"), _("Do you want to cancel this enrollment?"))
NOT_NOW = (_("Come back in a few minutes"), _("Come back in a few minutes"))


def _finishing(request: HttpRequest) -> HttpResponse:
    """GET changes nothing. With ``cancel`` in the query, it asks the rider to confirm; the POST cancels."""
    signed = request.GET.get(PARAMETER, "")
    name = name_in(signed)
    if name is None:
        return redirect(url(request, "enroll"))
    address = finishing_url(request, signed)
    try:
        if request.method == "POST":
            get_journal().cancel(name)
            return Pages.see_other(address)
        promise = get_journal().promise(name)
    except JournalDown:
        return _page(request, None, NOT_NOW, address, status=503)
    if promise is None:
        return redirect(url(request, "enroll"))
    wants_to_cancel = promise.can_be_canceled and "cancel" in request.GET
    heading = CANCEL if wants_to_cancel else HEADINGS[promise.progress]
    return _page(request, promise, heading, address, wants_to_cancel=wants_to_cancel)


def _page(
    request: HttpRequest,
    promise: Promise | None,
    heading: tuple[LazyText, LazyText],
    address: str,
    *,
    status: int = 200,
    wants_to_cancel: bool = False,
) -> HttpResponse:
    response = page(
        request,
        "finishing",
        enrollment_if_any(request),
        status=status,
        agency=promise.agency if promise else None,
        heading=heading[is_in_person(request)],
        progress=promise.progress.value if promise else "not_now",
        reference=promise.reference if promise else "",
        until=promise.until if promise else None,
        can_be_canceled=promise is not None and promise.can_be_canceled,
        wants_to_cancel=wants_to_cancel,
        address=address,
        enroll_url=url(request, "enroll"),
    )
    # Anyone with the address can open the page, so keep it from search engines and other sites.
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "same-origin"
    return response


finishing = protected(_finishing, Pages, "GET", "HEAD", "POST")
