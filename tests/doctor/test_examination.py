"""While the doctor looks, it does not affect riders, change the processor's data, or reveal a secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command

from enrollment_errors.account_directory import get_account
from enrollment_errors.doctor.diagnoses import Level
from enrollment_errors.doctor.examination import Finding, examine
from enrollment_errors.opening import circuit_state
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from enrollment_errors.transport.circuit import Phase
from tests.rider import Rider

from .site import TwoServersProcessor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("healthy")]


class TestNobodyNotices:
    def test_nobody_is_enrolled_and_no_card_is_looked_up(self, sandbox: SandboxServer) -> None:
        list(examine())

        asked = {"authorization", "tokenization", "concession_groups", "group_products", "product", "card_form_script"}
        assert {endpoint for endpoint, number in sandbox.calls.items() if number} == {*asked, "unknown"}

    def test_credentials_are_tried_though_a_cached_token_still_works(
        self, options: Callable[..., None], sandbox: SandboxServer, finding: Callable[[str], Finding]
    ) -> None:
        assert Rider().becomes_eligible().asks_for_token().status_code == 200
        sandbox.state.client_secret = "changed"

        assert finding("access").diagnosis == "credentials_refused"
        assert Rider().becomes_eligible().asks_for_token().status_code == 200

    def test_nothing_stays_in_the_cache(self) -> None:
        list(examine())

        assert cache._cache == {}

    def test_failures_open_no_circuit(self, site: Any, sandbox: SandboxServer) -> None:
        site(BREAKER_FAILURES=1)
        sandbox.faults.set("tokenization", Fault(kind="status", status=503))

        list(examine())

        assert circuit_state(get_account("littlepay")).phase is Phase.CLOSED

    def test_an_open_circuit_keeps_it_from_nothing(
        self, site: Any, sandbox: SandboxServer, finding: Callable[[str], Finding]
    ) -> None:
        site(BREAKER_FAILURES=1, ATTEMPTS=1)
        sandbox.faults.set("tokenization", Fault(kind="status", status=503))
        Rider().becomes_eligible().asks_for_token()
        assert circuit_state(get_account("littlepay")).phase is Phase.OPEN
        sandbox.faults.clear()

        assert finding("access").level is Level.OK


class TestTheSharedToken:
    def test_is_tried_as_riders_have_it(self, sandbox: SandboxServer, finding: Callable[[str], Finding]) -> None:
        Rider().becomes_eligible().asks_for_token()
        tokens = sandbox.calls["authorization"]

        assert finding("shared token").detail == "accepted"
        assert sandbox.calls["authorization"] == tokens + 4, "of the other probes"

    def test_is_none_where_nobody_has_asked_yet(self, finding: Callable[[str], Finding]) -> None:
        assert finding("shared token").detail == "none is shared at the moment"

    def test_is_none_where_the_credentials_have_changed(
        self, options: Callable[..., None], sandbox: SandboxServer, finding: Callable[[str], Finding]
    ) -> None:
        Rider().becomes_eligible().asks_for_token()
        sandbox.state.audience = "another"
        options(AUDIENCE="another")

        assert finding("shared token").detail == "none is shared at the moment"

    def test_is_none_where_the_processor_has_none(
        self, options: Callable[..., None], finding: Callable[[str], Finding]
    ) -> None:
        options("tests.doctor.site.TokenlessProcessor")

        assert finding("shared token").detail == "none: the processor's calls need no access token"

    def test_that_is_refused_is_left_for_the_next_rider_to_replace(
        self, sandbox: SandboxServer, finding: Callable[[str], Finding]
    ) -> None:
        Rider().becomes_eligible().asks_for_token()
        sandbox.state.revoke_api_tokens()
        kept = dict(cache._cache)

        found = finding("shared token")

        assert (found.diagnosis, found.level) == ("shared_token_refused", Level.WARNING)
        assert found.detail == "POST api/v1/cardtokenisation/requestaccess: status 401"
        assert cache._cache == kept
        assert Rider().becomes_eligible().asks_for_token().status_code == 200
        assert finding("shared token").detail == "accepted"


class TestTheOrder:
    def test_what_cannot_work_after_a_failure_is_not_tried(
        self, options: Callable[..., None], sandbox: SandboxServer
    ) -> None:
        options(BASE_URL="https://processor.invalid")

        found = [finding for finding in examine() if finding.subject.startswith("littlepay")]

        assert [(finding.probe, finding.level.value) for finding in found] == [
            ("account", "ok"),
            ("environment", "ok"),
            ("base URL", "ok"),
            ("DNS", "failure"),
            ("connection", "not tried"),
            ("TLS", "not tried"),
            ("clock", "not tried"),
            ("health", "not tried"),
            ("access", "not tried"),
            ("shared token", "not tried"),
            ("groups", "not tried"),
            ("group", "not tried"),
            ("group", "not tried"),
            ("card form", "ok"),
        ]
        assert found[4].detail == "not tried: DNS failed"

    def test_findings_come_one_by_one(self, sandbox: SandboxServer) -> None:
        findings = examine()

        while next(findings).probe != "access":
            pass

        assert sandbox.calls["tokenization"] == 1
        assert sandbox.calls["concession_groups"] == 0

    def test_agencies_are_named_with_their_account(self) -> None:
        assert "littlepay (mountain)" in {finding.subject for finding in examine()}

    def test_a_processor_with_a_redirect_flow_has_no_card_form_to_look_for(
        self, options: Callable[..., None], finding: Callable[[str], Finding]
    ) -> None:
        options("tests.doctor.site.RedirectProcessor")

        assert finding("card form").detail == "none: riders go to the processor's own page"
        assert finding("groups").detail == "not asked: the processor has no way to list them"


class TestTheCommand:
    @pytest.fixture
    def run(self, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
        def command(*arguments: str) -> tuple[int, str]:
            exit_status = 0
            try:
                call_command("enrollment_doctor", *arguments)
            except SystemExit as ended:
                exit_status = int(ended.code or 0)
            return exit_status, capsys.readouterr().out

        return command

    def test_shows_a_row_for_each_probe_and_says_how_many_are_wrong(self, run: Any) -> None:
        exit_status, said = run()

        rows = said.splitlines()
        assert (
            "ok    littlepay (mountain)     group                    group-seniors (Older adults): "
            "group-seniors-fare is active" in rows
        )
        assert "WARN  this site                cache                    default: LocMemCache" in rows
        assert rows[-1] == "22 probes: 0 failed, 3 with a warning."
        assert exit_status == 0

    def test_says_under_a_failure_why_it_may_be_and_what_to_do(self, run: Any, options: Callable[..., None]) -> None:
        options(CLIENT_SECRET="wrong")

        exit_status, said = run()

        rows = said.splitlines()
        failed = rows.index(
            "FAIL  littlepay (mountain)     access                   POST api/v1/oauth/token: status 401"
        )
        assert rows[failed + 1] == "      The processor answered 401: it does not know this client id with this secret."
        assert rows[failed + 2].startswith(
            "      Compare the account's credentials with those that the processor gave you"
        )
        assert rows[failed + 3] == "-     littlepay (mountain)     shared token             not tried: access failed"
        assert rows[-1] == f"22 probes: 1 failed, 3 with a warning, {said.count('not tried: ')} not tried."
        assert exit_status == 1

    def test_a_warning_is_no_failure_for_cron(self, run: Any, site: Any) -> None:
        site(ADAPTER="tests.site.TestAdapter")

        assert run()[0] == 0

    def test_speaks_json_to_machines(self, run: Any, options: Callable[..., None]) -> None:
        options(AUDIENCE="wrong")

        exit_status, said = run("--json")

        [found] = [finding for finding in json.loads(said) if finding["level"] == "failure"]
        assert found == {
            "subject": "littlepay (mountain)",
            "probe": "access",
            "level": "failure",
            "diagnosis": "audience_refused",
            "detail": "POST api/v1/oauth/token: status 403",
            "cause": "The processor knows the client but issues no token for this audience.",
            "action": "Compare the account's audience with the one that the processor gave you. The options of this "
            "account are BASE_URL, CLIENT_ID, CLIENT_SECRET, AUDIENCE, CARD_FORM_URL.",
        }
        assert exit_status == 1

    def test_examines_only_the_account_that_is_asked_for(self, run: Any, sandbox: SandboxServer) -> None:
        exit_status, said = run("--account", "other")

        assert "has only littlepay" in said
        assert exit_status == 1
        assert not sandbox.calls

    def test_looks_for_the_groups_that_are_asked_for(self, run: Any) -> None:
        exit_status, said = run("--account", "littlepay", "--group", "group-students")

        assert "group-students; the account has" in said
        assert exit_status == 1

    def test_says_what_is_wrong_with_settings_that_cannot_be_read(self, run: Any, site: Any) -> None:
        site(BUGDET=8)

        exit_status, said = run()

        assert 'Did you mean "BUDGET"?' in said
        assert exit_status == 1

    @pytest.mark.parametrize("endpoint", ["authorization", "tokenization", "concession_groups"])
    def test_tells_no_secret_and_nothing_of_what_a_processor_said(
        self, run: Any, sandbox: SandboxServer, site: Any, endpoint: str
    ) -> None:
        site(AMPLITUDE_API_KEY="tests-amplitude-key", AMPLITUDE_SERVER_URL=f"{sandbox.url}/nowhere")
        sandbox.faults.set(endpoint, Fault(kind="status", status=400, body="the processor's own words"))

        said = run()[1] + run("--json")[1]

        secrets = [sandbox.state.client_secret, sandbox.state.client_id, "tests-amplitude-key"]
        for secret in (*secrets, *sandbox.state.api_tokens, *sandbox.state.form_tokens, "own words"):
            assert secret not in said


class TestAnAccountOfAnotherShape:
    def test_without_access_is_asked_for_none(
        self, options: Callable[..., None], finding: Callable[[str], Finding], sandbox: SandboxServer
    ) -> None:
        options("tests.doctor.site.AccesslessProcessor")

        assert finding("access").detail == "not asked: the card form needs none"
        assert finding("shared token").detail == "not asked: the card form needs no access"
        assert sandbox.calls["tokenization"] == 0

    def test_with_two_servers_has_the_way_to_each_examined(
        self, options: Callable[..., None], sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(TwoServersProcessor, "other", "https://processor.invalid")
        options("tests.doctor.site.TwoServersProcessor")

        found = {finding.probe: finding for finding in examine() if finding.subject.startswith("littlepay")}

        assert found["connection (api)"].level is Level.OK
        assert found["DNS (other)"].diagnosis == "processor_name_not_resolved"
        assert found["access"].detail == "not tried: DNS (other) failed"

    def test_with_two_servers_that_share_a_token_has_it_tried(
        self, options: Callable[..., None], sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(TwoServersProcessor, "other", sandbox.url)
        options("tests.doctor.site.TwoServersProcessor")

        assert [finding.probe for finding in examine() if finding.level is Level.FAILURE] == []
