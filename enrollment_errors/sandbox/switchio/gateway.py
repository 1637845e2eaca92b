"""Switchio's gateway: a separate site where riders enter a card, and then come back."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs, urlencode

from ..cards import TEST_CARDS, find_card, tokenize
from ..handler import Reply, Request
from ..state import Refused
from .state import Registration, SwitchioState

_HTML = "text/html; charset=utf-8"
_ENDS = {"tokenized": "tokenization_finished", "refused": "verification_failed", "failed": "tokenization_failed"}
OTHER_WAYS = {
    "cancel": "Cancel",
    "leave": "Go back without finishing",
    "expire": "Let the visit expire",
    "delete": "Have the visit deleted",
}
"""Ways back without a card, and the labels of their buttons."""
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sandbox gateway</title>
<style>
body {{ color: #1b1b1b; font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-inline-size: 30rem;
  padding: 0 1rem; }}
label {{ display: block; font-weight: 600; }}
select, button {{ border: 1px solid #565c65; border-radius: .25rem; font: inherit; margin: .25rem 0;
  min-block-size: 2.75rem; padding: .5rem 1rem; }}
select {{ inline-size: 100%; }}
button {{ background: #fff; }}
button[value=""] {{ background: #005ea2; border-color: #005ea2; color: #fff; }}
</style>
</head>
<body>
<main>
<h1>Sandbox gateway</h1>
{content}
</main>
</body>
</html>
"""
_FORM = """\
<p>Riders enter their card here, on the processor&#x27;s own site. In the sandbox you choose what becomes of it.</p>
<form method="post">
<label for="card">Test card</label>
<select id="card" name="card">{cards}</select>
<button name="way" value="">Continue</button>
{ways}
</form>"""


def reply_to(state: SwitchioState, request: Request) -> Reply:
    """``GET gateway/<registration>`` is the page, and a POST of its form leads back to the site."""
    try:
        registration = state.registration(request.segments[1] if len(request.segments) == 2 else "")
    except Refused:
        return _page("<p>There is no such visit.</p>", 404)
    if registration.state in ("expired", "deleted"):
        return _page("<p>This visit is over. Go back, and start again.</p>", 410)
    if request.method != "POST":
        return _page(_FORM.format(cards=_cards(), ways=_ways()))
    chosen = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    return Reply(303, headers={"Location": finish(state, registration, **chosen, back=request.query.get("state", ""))})


def finish(state: SwitchioState, registration: Registration, *, card: str = "", way: str = "", back: str = "") -> str:
    """Apply a rider's choice: ``card`` is the key of a test card, or ``way`` is a way back without one. Returns the URL
    that the rider comes back to, with ``state`` unchanged."""
    told = {"state": back}
    chosen = find_card(card)
    with state.lock:
        if way == "cancel":
            told["error"] = "canceled"
        elif way in ("expire", "delete"):
            registration.state = f"{way}d"
        elif way != "leave" and chosen is not None:
            registration.state = _ENDS[chosen.end]
            if chosen.end == "tokenized":
                registration.card_token = tokenize(state, chosen)
            else:
                told["error"] = chosen.end
    separator = "&" if "?" in registration.return_url else "?"
    return registration.return_url + separator + urlencode(told)


def _page(content: str, status: int = 200) -> Reply:
    return Reply(status, _PAGE.format(content=content).encode(), _HTML, {"Cache-Control": "no-store"})


def _cards() -> str:
    # A gateway has only one kind of failure; a form in the page has several, one per status.
    cards = [card for card in TEST_CARDS if card.status is None]
    return "".join(f'<option value="{escape(card.key)}">{escape(card.name)}</option>' for card in cards)


def _ways() -> str:
    return "\n".join(f'<button name="way" value="{way}">{text}</button>' for way, text in OTHER_WAYS.items())
