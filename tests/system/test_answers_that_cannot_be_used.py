"""What riders and operators see after a redirect, an answer that breaks HTTP, and a bad certificate."""

from __future__ import annotations

import datetime

import pytest

from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from tests.rider import CARD_TOKEN, Rider
from tests.transport.certificates import make_certificate

GROUP = "group-seniors"
BROKEN = {
    "a body that cannot be decoded": {"Content-Encoding": "gzip"},
    "a length and chunks that are none": {"Transfer-Encoding": "gzip"},
    "two lengths": {"Content-Length": "77"},
}


def answer(**headers_and_more) -> Fault:
    return Fault(kind="status", body='{"id": "not gzip"}', **headers_and_more)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_to_the_lookup_is_a_server_error_of_its_own(sandbox, telemetry, name):
    sandbox.faults.set("lookup", answer(status=200, headers=BROKEN[name]))
    end = Rider().becomes_eligible().walks()
    assert (end.page, end.status) == ("server_error", 500)
    assert [record.code for record in telemetry.records] == ["reply_broken"]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_to_the_link_is_asked_about_and_not_repeated(sandbox, rider, name):
    sandbox.faults.set("link", answer(status=200, headers=BROKEN[name], after_effect=True))
    assert rider.walks().page == "success"
    assert list(sandbox.state.groups[GROUP].links) == [sandbox.state.card(CARD_TOKEN).id]
    assert sandbox.calls["link"] == 1


@pytest.mark.parametrize("endpoint", ["authorization", "tokenization", "lookup", "link"])
@pytest.mark.parametrize("status", [301, 307])
def test_a_redirect_is_a_server_error_that_names_the_base_url(sandbox, telemetry, endpoint, status):
    sandbox.faults.set(endpoint, answer(status=status, headers={"Location": "https://moved.test/"}))
    end = Rider().becomes_eligible().walks()
    assert (end.page, end.status) == ("server_error", 500)
    assert [record.code for record in telemetry.records] == ["base_url_redirects"]


@pytest.mark.parametrize("days", [-1, 1, None])
def test_a_certificate_that_is_no_good_is_a_system_error_that_says_what_is_wrong(
    site, settings, telemetry, tmp_path, days
):
    until = None if days is None else datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    since = until and until - datetime.timedelta(days=1)
    certificate = make_certificate(tmp_path, "localhost" if days == -1 else "elsewhere.test", since=since, until=until)
    with SandboxServer(ssl_context=certificate.server_context()) as sandbox:
        account = dict(settings.ENROLLMENT_ERRORS["ACCOUNTS"]["littlepay"])
        account["OPTIONS"] = {**account["OPTIONS"], "BASE_URL": sandbox.url.replace("127.0.0.1", "localhost")}
        if days is not None:
            account["CLASS"] = "tests.servers_matrix.trusting.TrustingProcessor"
            account["OPTIONS"]["CERTIFICATE"] = str(certificate.pem)
        site(ACCOUNTS={"littlepay": account})
        end = Rider().becomes_eligible().walks()
    assert (end.page, end.status) == ("system_error", 503)
    expected = {-1: "certificate_expired", 1: "certificate_of_another_host", None: "certificate_untrusted"}[days]
    assert [record.code for record in telemetry.records] == [expected]
