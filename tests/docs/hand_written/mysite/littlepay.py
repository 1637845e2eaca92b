"""The calls to the processor."""

import os

import requests


def card_form_token(agency):
    return _call(agency, "POST", "cardtokenisation/requestaccess", {"request_access": "CARD_TOKENISATION"}).json()


def link(agency, card_token, expiry):
    """A card that is in the group already is as good as one that was just added."""
    card = _call(agency, "GET", f"fundingsources/bytoken/{card_token}").json()
    body = {"id": card["id"]}
    if expiry is not None:
        body["expiry"] = expiry.strftime("%Y-%m-%dT%H:%M:%SZ")
    _call(agency, "POST", f"concession_groups/{agency.group}/fundingsources", body, accept=409)


def _call(agency, method, path, body=None, accept=None):
    root = f"{agency.processor_url}/api/v1"
    credentials = {"client_id": agency.client_id, "client_secret": os.environ[agency.secret_name]}
    ask = {"grant_type": "client_credentials", "audience": agency.audience, **credentials}
    access = requests.post(f"{root}/oauth/token", json=ask, timeout=10)
    access.raise_for_status()
    headers = {"Authorization": access.json()["access_token"]}
    answer = requests.request(method, f"{root}/{path}", json=body, headers=headers, timeout=10)
    if answer.status_code != accept:
        answer.raise_for_status()
    return answer
