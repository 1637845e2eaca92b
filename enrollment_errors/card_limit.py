"""How many cards one proof can enroll, if the site limits it with ``Enrollment.cards``.

Each card takes a place in the shared cache before its link is sent, so a second tab cannot enroll one card too many.
The same card needs only one place, however often it is sent. A card that was certainly not enrolled gives its place
back; one whose outcome is unknown keeps it. If the cache is down or was emptied, nobody is refused.

Without a limit, links have no ``proof``, and nothing here asks the cache.
"""

from __future__ import annotations

from contextlib import suppress

from . import conf
from .adapter import MOST_CARDS, Enrollment
from .encryption import keyed_digest
from .results import PendingLink
from .shared_cache import LONGEST, CacheDown, SharedCache


def are_used_up(enrollment: Enrollment, proof: str) -> bool:
    """Whether every place has a card that is known to be enrolled, so that it is useless to enter another one."""
    if not enrollment.cards:
        return False
    keys = _keys(proof, enrollment.account, enrollment.group_id)[: enrollment.cards]
    with suppress(CacheDown):
        taken = _cache().get_many(keys).values()
        return len(taken) == len(keys) and all(is_enrolled for _, is_enrolled in taken)
    return False


def take(link: PendingLink, cards: int) -> bool:
    """Whether the link's card may be enrolled: it has one of the places, or gets one for as long as a link may still
    take effect."""
    settings = conf.get_settings()
    cache, keys, card = SharedCache(settings.CACHE), _keys_of(link)[:cards], _card(link)
    try:
        if any(taken_by == card for taken_by, _ in cache.get_many(keys).values()):
            return True
        seconds = settings.BUDGET + settings.LINK_QUIET_TIME
        # If a place is taken by now, the same card may have been sent twice.
        return any(cache.add(key, (card, False), seconds) or (cache.get(key) or [None])[0] == card for key in keys)
    except CacheDown:
        return True


def hold(link: PendingLink | None) -> None:
    """It is unknown whether the card is enrolled, or it is to be enrolled later."""
    _keep(link, is_enrolled=False)


def fill(link: PendingLink | None) -> None:
    """The card is enrolled."""
    _keep(link, is_enrolled=True)


def give_back(link: PendingLink | None) -> None:
    """The link was certainly not made. The place stays taken if the card was enrolled before."""
    with suppress(CacheDown):
        for key, is_enrolled in _places_of(link):
            if not is_enrolled:
                _cache().delete(key)


def _keep(link: PendingLink | None, *, is_enrolled: bool) -> None:
    if link is None or not link.proof:
        return
    with suppress(CacheDown):
        places = _places_of(link)
        for key, was_enrolled in places:
            _cache().set(key, (_card(link), is_enrolled or was_enrolled), LONGEST)
        if not places:  # the cache was emptied, or nobody knew for long
            any(_cache().add(key, (_card(link), is_enrolled), LONGEST) for key in _keys_of(link))


def _places_of(link: PendingLink | None) -> list[tuple[str, bool]]:
    if link is None or not link.proof:
        return []
    taken = _cache().get_many(_keys_of(link)).items()
    return [(key, is_enrolled) for key, (taken_by, is_enrolled) in taken if taken_by == _card(link)]


def _cache() -> SharedCache:
    return SharedCache(conf.get_settings().CACHE)


def _keys_of(link: PendingLink) -> list[str]:
    return _keys(link.proof, link.account, link.group_id)


def _keys(proof: str, account: str, group_id: str) -> list[str]:
    name = keyed_digest("cards", proof, account, group_id)
    return [f"cards.{name}.{number}" for number in range(MOST_CARDS)]


def _card(link: PendingLink) -> str:
    return keyed_digest("card", link.proof, link.account, link.funding_source.id)
