"""What riders do with their browsers, above all the wrong things."""

from __future__ import annotations

import re
import time

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from enrollment_errors.adapter import Agency
from enrollment_errors.classification import Rule
from enrollment_errors.outcomes import Outcome, Stage
from enrollment_errors.references import ALPHABET
from enrollment_errors.sandbox.faults import Fault
from tests import site as test_site
from tests.rider import CARD_TOKEN, Rider

END_PAGES = ["success", "check-card", "too-early", "still-checking", "system-error", "server-error"]


def envelope(response):
    body = response.json()
    [error] = body["errors"]
    assert set(error) == {"status", "code", "title", "detail", "id"}
    assert error["status"] == str(response.status_code)
    return error, body["redirect"]


class TestTheTokenView:
    def test_gives_the_card_tokenization_access_token(self, sandbox, rider):
        response = rider.asks_for_token()
        assert response.status_code == 200
        assert set(response.json()) == {"token", "expires_in"}
        assert sandbox.state.accepts_form_token(response.json()["token"])
        assert "no-store" in response["Cache-Control"]

    def test_keeps_it_in_the_session_until_5_seconds_before_it_expires(self, sandbox, rider):
        sandbox.state.form_token_seconds = 100
        with time_machine.travel(time.time(), tick=False) as clock:
            first = rider.asks_for_token().json()["token"]
            clock.shift(94)
            assert rider.asks_for_token().json()["token"] == first
            clock.shift(2)
            assert rider.asks_for_token().json()["token"] != first
        assert sandbox.calls["tokenization"] == 2

    def test_keeps_it_where_nobody_can_read_it(self, rider):
        token = rider.asks_for_token().json()["token"]
        assert token not in str(rider.client.cookies) + str(dict(rider.client.session))

    @pytest.mark.parametrize(
        ("fault", "status", "code", "page"),
        [
            (Fault(kind="status", status=503), 503, "processor_error", "system_error"),
            (Fault(kind="status", status=400), 500, "request_refused", "server_error"),
            (Fault(kind="missing_fields"), 500, "reply_incomplete", "server_error"),
            (Fault(kind="missing_fields", fields=("access_token",)), 500, "reply_incomplete", "server_error"),
            (Fault(kind="reset"), 503, "processor_unreachable", "system_error"),
        ],
    )
    def test_fails_with_an_envelope_that_says_where_to_go(self, sandbox, rider, fault, status, code, page):
        sandbox.faults.set("tokenization", fault)
        response = rider.asks_for_token()
        error, redirect = envelope(response)
        assert (response.status_code, error["code"]) == (status, code)
        end = rider.goes_to(redirect)
        assert (end.page, end.status, end.reference) == (page, status, error["id"])

    def test_refuses_a_token_type_that_it_cannot_send(self, sandbox, rider):
        sandbox.state.token_type = "mac"
        error, _ = envelope(rider.asks_for_token())
        assert error["code"] == "token_type_unsupported"

    def test_refuses_a_session_that_may_not_enroll(self, site):
        response = Rider().asks_for_token()
        error, redirect = envelope(response)
        assert (response.status_code, error["code"], redirect) == (403, "not_eligible", "/enrollment/cannot-enroll/")

    def test_calls_the_failure_that_opens_the_circuit_what_it_is(self, sandbox, rider, site):
        site(BREAKER_FAILURES=1, ATTEMPTS=2)
        sandbox.faults.set("authorization", Fault(kind="status", status=503))
        assert [envelope(rider.asks_for_token())[0]["code"] for _ in range(2)] == ["processor_error", "circuit_open"]

    def test_tells_the_script_for_how_long_its_token_is_good(self, sandbox, rider):
        sandbox.state.form_token_seconds = 100
        assert 90 < rider.asks_for_token().json()["expires_in"] <= 95

    def test_tells_of_no_time_where_the_processor_did_not(self, sandbox, rider):
        sandbox.faults.set("tokenization", Fault(kind="missing_fields", fields=("expires_in",)))
        assert rider.asks_for_token().json()["expires_in"] is None

    def test_speaks_the_riders_language(self, site):
        error, _ = envelope(Rider(language="es").asks_for_token())
        assert error["title"] == "No puede inscribirse desde aquí"

    def test_asks_again_after_the_card_form_did_not_accept_its_token(self, sandbox, rider):
        rider.asks_for_token()
        rider.tells("failed", 401)
        rider.asks_for_token()
        assert sandbox.calls["tokenization"] == 2


class TestTheEnrollPage:
    def test_has_the_data_that_the_script_needs_and_no_token(self, sandbox, rider):
        page = rider.goes_to("/enrollment/")
        assert (page.page, page.status) == ("enroll", 200)
        assert "/assets/js/littlepay.min.js" in page.text
        assert sandbox.calls == {}

    def test_says_so_before_a_card_is_entered_while_the_processor_is_known_to_be_down(self, sandbox, rider, site):
        site(BREAKER_FAILURES=2, ATTEMPTS=1)
        sandbox.faults.set("*", Fault(kind="status", status=503))
        for another in (rider, Rider().becomes_eligible()):
            another.asks_for_token()
        page = rider.goes_to("/enrollment/")
        assert (page.page, page.status) == ("enroll", 200)
        assert "You cannot enroll right now" in page.text
        assert "enrollment-data" not in page.text

    def test_sends_a_session_that_may_not_enroll_to_a_page_that_says_so(self, site):
        page = Rider().goes_to("/enrollment/")
        assert (page.page, page.status) == ("cannot_enroll", 403)

    @pytest.mark.parametrize(
        "card_token",
        [
            *("", ".", "..", " ", "a\nb", "a\x00b", "\u200b", "x" * 10_000, "x" * 513),
            *("../../concession_groups", "a?b=c", "a/b", "a#b", "%2e%2e", "a%2Fb", "a b", "ä€", "a;b", "a\\b", "ａ"),
            *("a\n", "\na"),
        ],
    )
    def test_refuses_what_no_card_form_gives_before_any_call(self, sandbox, rider, card_token):
        end = rider.enrolls(card_token)
        assert (end.page, end.status) == ("server_error", 500)
        assert sandbox.calls == {}

    @pytest.mark.parametrize(
        "card_token",
        ["eyJhbGciOi.J9_-.x", "+base64url+==", "8c2f1e0a-6b1d-4b39-9d7e-0d6a7c1b2f3e", "urn:token:1~2", "x" * 512],
    )
    def test_enrolls_a_card_token_of_every_shape_that_tokens_have(self, sandbox, rider, card_token):
        sandbox.state.add_card(card_token)
        assert rider.enrolls(card_token).page == "success"

    def test_ends_on_the_page_of_the_outcome_that_the_sites_own_rule_names(self, sandbox, rider, site, telemetry):
        refused = Rule(stage=Stage.LOOKUP, status=403, outcome=Outcome.NOT_ELIGIBLE, code="prepaid", reason="Prepaid.")
        site(RULES=[refused])
        sandbox.faults.set("lookup", Fault(kind="status", status=403))
        end = rider.enrolls()
        assert (end.page, end.status, end.url) == ("cannot_enroll", 403, "/enrollment/cannot-enroll/")
        [record] = telemetry.records
        assert (record.code, record.levelname) == ("prepaid", "INFO")

    def test_tells_of_an_account_that_the_settings_do_not_have_without_a_processor(self, sandbox, site, telemetry):
        end = Rider().becomes_eligible(account="littlepoy").goes_to("/enrollment/")
        assert (end.page, end.status) == ("server_error", 500)
        [record] = telemetry.records
        assert (record.account, record.processor, record.reference) == ("littlepoy", "", end.reference)
        assert sandbox.calls == {}

    def test_shows_the_same_success_to_a_second_click(self, sandbox, rider):
        first = rider.enrolls()
        second = rider.enrolls()
        assert (second.page, second.url) == ("success", first.url)
        assert sandbox.calls["link"] == 1

    def test_links_the_same_card_for_another_benefit_in_the_same_session(self, sandbox, rider):
        rider.enrolls()
        assert rider.becomes_eligible(group="group-veterans").enrolls().page == "success"
        card = sandbox.state.card(CARD_TOKEN).id
        assert card in sandbox.state.groups["group-veterans"].links

    def test_tries_again_after_a_failure_with_the_same_card_token(self, sandbox, rider):
        sandbox.faults.set("lookup", Fault(kind="status", status=503))
        assert rider.enrolls().page == "system_error"
        sandbox.faults.clear()
        assert rider.enrolls().page == "success"


class TestTheResultPages:
    def test_of_a_success_can_be_reloaded(self, sandbox, rider):
        end = rider.enrolls()
        assert rider.goes_to(end.url).page == "success"
        assert sandbox.calls["link"] == 1

    @pytest.mark.parametrize("path", END_PAGES)
    def test_are_not_opened_by_an_address_that_this_site_did_not_write(self, rider, path):
        forged = "H7P-2QX-9MR-2345678923456789234"
        for address in ("", "?reference=", f"?reference={forged}", "?reference=H7P-2QX-9MR", "?reference=%00"):
            assert rider.goes_to(f"/enrollment/{path}/{address}").page == "enroll"

    def test_are_not_opened_by_another_pages_address(self, sandbox, rider):
        sandbox.faults.set("lookup", Fault(kind="status", status=503))
        failure = rider.enrolls()
        assert rider.goes_to(failure.url.replace("system-error", "success")).page == "enroll"

    def test_of_a_system_that_is_down_offers_another_try_while_the_rider_qualifies(self, sandbox, rider):
        sandbox.faults.set("lookup", Fault(kind="status", status=503))
        failure = rider.enrolls()
        again = '<a class="enrollment-second" href="/enrollment/">Try again</a>'
        assert again in rider.client.get(failure.url).content.decode()
        assert again not in Rider().client.get(failure.url).content.decode()

    def test_have_the_same_path_for_every_rider_and_no_word_in_their_address(self, sandbox, rider):
        sandbox.faults.set("lookup", Fault(kind="status", status=503))
        addresses = [rider.enrolls(f"card-{number}").url.partition("?") for number in range(3)]
        assert {path for path, _, _ in addresses} == {"/enrollment/system-error/"}
        for _, _, query in addresses:
            assert re.fullmatch(
                f"reference=[{ALPHABET}]{{3}}-[{ALPHABET}]{{3}}-[{ALPHABET}]{{3}}-[{ALPHABET}]{{19}}", query
            )

    def test_stay_open_while_the_secret_key_is_rotated(self, sandbox, rider, settings):
        end = rider.enrolls()
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another-secret-key-of-the-tests"
        assert Rider().goes_to(end.url).page == "success"

    def test_render_when_the_session_is_gone(self, sandbox, rider):
        success = rider.enrolls()
        sandbox.faults.set("lookup", Fault(kind="status", status=503))
        failure = rider.enrolls("another-card")
        stranger = Rider()
        assert stranger.goes_to(success.url).page == "success"
        again = stranger.goes_to(failure.url)
        assert (again.page, again.status, again.reference) == ("system_error", 503, failure.reference)

    def test_of_too_early_renders_without_dates_when_the_session_is_gone(self, sandbox, site):
        rider = Rider().becomes_eligible(expires=True)
        rider.enrolls()
        sandbox.state.link_conflict = "belongs"
        end = Rider().becomes_eligible(expires=True).enrolls()
        assert end.page == "too_early"
        assert "<dl" in end.text
        assert "<dl" not in Rider().goes_to(end.url).text

    def test_say_when_to_come_back_while_the_processor_is_down(self, sandbox, rider):
        sandbox.faults.set("tokenization", Fault(kind="status", status=503))
        response = rider.asks_for_token()
        assert int(response["Retry-After"]) > 0
        assert int(rider.client.get(response.json()["redirect"])["Retry-After"]) > 0

    def test_say_when_to_come_back_though_the_settings_cannot_be_read_any_more(self, sandbox, rider, settings):
        sandbox.faults.set("lookup", Fault(kind="status", status=503))
        end = rider.enrolls()
        settings.ENROLLMENT_ERRORS = {**settings.ENROLLMENT_ERRORS, "BUGDET": 1}
        response = rider.client.get(end.url)
        assert response.status_code == 503
        assert end.reference in response.content.decode()
        assert int(response["Retry-After"]) > 0

    def test_are_never_stored(self, rider):
        for path in ("", "cannot-enroll/"):
            assert "no-store" in rider.client.get(f"/enrollment/{path}")["Cache-Control"]

    @pytest.mark.parametrize("signed_in", [True, False])
    def test_of_a_system_error_offer_to_sign_out_only_to_riders_who_are_signed_in(self, sandbox, site, signed_in):
        sandbox.faults.set("lookup", Fault(kind="status", status=503))
        end = Rider().becomes_eligible(signed_in=signed_in).enrolls()
        assert ("Sign out of Login.gov" in end.text) is signed_in
        assert ('href="/sign-out/"' in end.text) is signed_in
        assert 'href="/mountain/"' in end.text

    def test_have_the_agencys_contact(self, sandbox, rider):
        end = rider.enrolls()
        assert "Mountain Valley Transit" in end.text
        assert "tel:5550100199" in end.text
        assert "https://transit.example" in end.text

    def test_still_checking_without_anything_to_check_starts_again(self, sandbox, rider):
        sandbox.faults.set("link", Fault(kind="reset"))
        sandbox.faults.set("groups", Fault(kind="reset"))
        end = rider.enrolls()
        sandbox.faults.clear()
        assert Rider().becomes_eligible().checks_again(end).page == "enroll"
        assert rider.client.post("/enrollment/still-checking/?reference=forged").headers["Location"] == "/enrollment/"


class TestTheCardFormView:
    @pytest.mark.parametrize("event", ["started", "tokenized", "cancelled"])
    def test_leaves_the_rider_on_the_page_where_nothing_is_wrong(self, rider, event):
        response = rider.tells(event)
        assert (response.status_code, response.json()) == (200, {"redirect": None})

    @pytest.mark.parametrize(
        ("event", "status", "page"),
        [
            ("refused", None, "check_card"),
            ("failed", 500, "system_error"),
            ("failed", None, "system_error"),
            ("failed", 401, "server_error"),
            ("form_not_loaded", None, "system_error"),
            ("token_failed", 403, "server_error"),
        ],
    )
    def test_says_where_to_go_by_the_same_table(self, rider, event, status, page):
        response = rider.tells(event, status)
        assert response.status_code == 200
        assert rider.goes_to(response.json()["redirect"]).page == page

    @pytest.mark.parametrize("status", [None, 200, 302, 502, 511])
    def test_leaves_the_rider_on_the_page_where_it_may_be_the_riders_connection(self, rider, status):
        response = rider.tells("token_failed", status)
        assert (response.status_code, response.json()) == (200, {"redirect": None})

    @pytest.mark.parametrize("status", ["500", True, 5.5, 99, 600, [], {}])
    def test_treats_an_impossible_status_as_none(self, rider, status):
        response = rider.tells("failed", status)
        assert rider.goes_to(response.json()["redirect"]).page == "system_error"

    @pytest.mark.parametrize(
        "body", [" ", "{", "[]", "null", '"started"', "\xff", "[" * 100_000, '"' + "x" * 3_000_000 + '"']
    )
    def test_refuses_what_cannot_be_read(self, rider, body):
        response = rider.client.post("/enrollment/card-form/", body.encode("latin-1"), content_type="application/json")
        error, _ = envelope(response)
        assert (response.status_code, error["code"]) == (400, "bad_request")

    @pytest.mark.parametrize("event", ["sold", "", [], {}, None, 5])
    def test_refuses_what_the_script_does_not_say(self, rider, event):
        response = rider.tells(event)
        error, _ = envelope(response)
        assert (response.status_code, error["code"]) == (400, "bad_request")


class TestEveryView:
    PATHS = ("", "token/", "card-form/")

    @pytest.mark.parametrize("path", PATHS)
    def test_refuses_a_post_without_a_csrf_token_with_a_page_that_says_what_to_do(self, site, path):
        rider = Rider(enforce_csrf_checks=True).becomes_eligible()
        response = rider.client.post(f"/enrollment/{path}", {"card_token": CARD_TOKEN})
        assert response.status_code == 403
        if path:
            error, redirect = envelope(response)
            assert (error["code"], redirect) == ("csrf_failed", "/enrollment/cannot-enroll/")
        else:
            assert response.context["enrollment"]["page"] == "cannot_enroll"

    def test_takes_a_post_with_the_csrf_token_of_the_page(self, sandbox, site):
        rider = Rider(enforce_csrf_checks=True).becomes_eligible()
        page = rider.goes_to("/enrollment/")
        [csrf] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        [made_for] = re.findall(r'name="made_for" value="(\w+)"', page.text)
        body, headers = {"made_for": made_for}, {"X-CSRFToken": csrf}
        response = rider.client.post("/enrollment/token/", body, "application/json", headers=headers)
        assert response.status_code == 200
        body |= {"card_token": CARD_TOKEN, "csrfmiddlewaretoken": csrf}
        response = rider.client.post("/enrollment/", body)
        assert rider.follows(response).page == "success"

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("PUT", ""),
            ("DELETE", ""),
            ("GET", "token/"),
            ("GET", "card-form/"),
            ("POST", "cannot-enroll/"),
            ("OPTIONS", ""),
        ],
    )
    def test_refuses_a_wrong_method_and_names_the_right_ones(self, rider, method, path):
        response = rider.client.generic(method, f"/enrollment/{path}")
        assert response.status_code == 405
        assert method not in response["Allow"].split(", ")
        assert response.content

    def test_does_not_redirect_or_link_to_an_address_that_the_site_did_not_mean(self, sandbox, rider, monkeypatch):
        forged = Agency(slug="f", name="Forged", home_url="https://evil.example/")
        monkeypatch.setattr(test_site, "AGENCY", forged)
        assert "evil.example" not in rider.goes_to("/enrollment/cannot-enroll/").text

    def test_is_found_under_each_inclusion_of_the_urls(self, sandbox, site):
        staff = Rider(base="/staff/").becomes_eligible()
        assert reverse("enrollment_errors_in_person:enroll") == "/staff/"
        assert staff.goes_to("/staff/").page == "enroll"
        end = staff.enrolls()
        assert (end.page, end.url.startswith("/staff/success/")) == ("success", True)

    @pytest.mark.parametrize("content", ["x" * 3_000_000, {f"name-{number}": "" for number in range(2_000)}])
    def test_answers_a_form_that_is_too_large_with_a_page(self, sandbox, rider, content):
        response = rider.client.post("/enrollment/", content if isinstance(content, dict) else {"card_token": content})
        large = rider.client.post("/enrollment/", f"card_token={content}", "application/x-www-form-urlencoded")
        for answer in (response, large):
            assert answer.status_code in (400, 409)
            assert answer.context["enrollment"]["page"] in ("server_error", "changed")
        assert sandbox.calls == {}

    @pytest.mark.parametrize(
        "content_type", ["multipart/form-data; boundary=x", "multipart/form-data", "multipart/form-data; boundary=\xe4"]
    )
    def test_answers_a_form_that_is_broken_with_a_page(self, sandbox, rider, content_type):
        response = rider.client.generic("POST", "/enrollment/", b"--y\r\nnothing", content_type)
        assert response.status_code in (400, 409)
        assert response.context["enrollment"]["page"] in ("server_error", "changed")
        assert sandbox.calls == {}


class TestASitesOwnCodeThatFails:
    @pytest.fixture
    def broken(self, monkeypatch):
        def breaks(*args):
            raise RuntimeError("the site's own bug")

        def break_hook(name):
            monkeypatch.setattr(test_site.TestAdapter, name, breaks)

        return break_hook

    def test_in_get_enrollment_ends_on_the_generic_page_and_is_told_once(self, rider, telemetry, broken):
        broken("get_enrollment")
        end = rider.goes_to("/enrollment/")
        assert (end.page, end.status) == ("server_error", 500)
        telemetry.settle(amplitude=1)
        told = [event for event in telemetry.sentry if event["tags"].get("enrollment.reference")]
        assert [event["tags"]["enrollment.reference"] for event in told] == [end.reference]

    def test_in_get_enrollment_still_lets_every_result_page_render(self, sandbox, rider, broken):
        end = rider.enrolls()
        broken("get_enrollment")
        assert rider.goes_to(end.url).page == "success"

    def test_in_get_enrollment_gives_the_script_an_envelope(self, rider, broken):
        broken("get_enrollment")
        response = rider.asks_for_token()
        error, _ = envelope(response)
        assert (response.status_code, error["code"]) == (500, "unexpected_error")
        assert "own bug" not in response.content.decode()

    def test_in_on_success_does_not_change_that_the_card_is_linked(self, sandbox, rider, broken, telemetry):
        broken("on_success")
        assert rider.enrolls().page == "success"
        telemetry.settle(amplitude=1)
        assert [event["tags"].get("enrollment.site_code") for event in telemetry.sentry] == ["Adapter.on_success"]

    def test_in_the_page_context_still_shows_the_page(self, rider, broken):
        broken("get_page_context")
        response = Client().get("/enrollment/cannot-enroll/")
        assert response.status_code == 403
        assert b"</html>" in response.content

    def test_in_its_static_files_still_shows_the_page_at_plain_addresses(self, rider, settings, telemetry, tmp_path):
        settings.STATIC_ROOT = tmp_path
        manifest = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"  # nobody has run collectstatic
        settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": manifest}}
        end = rider.goes_to("/enrollment/")
        assert (end.page, end.status) == ("enroll", 200)
        assert 'href="/static/enrollment_errors/enrollment.css"' in end.text
        assert 'src="/static/enrollment_errors/enrollment.js"' in end.text
        telemetry.settle(amplitude=0)
        [told] = [event["tags"].get("enrollment.site_code") for event in telemetry.sentry]
        assert told == "rendering the page enroll"

    def test_in_its_settings_ends_on_the_generic_page(self, rider, settings):
        settings.ENROLLMENT_ERRORS = {**settings.ENROLLMENT_ERRORS, "BUGDET": 1}
        response = rider.client.get("/enrollment/", follow=True)
        assert response.status_code == 500
        assert b"</html>" in response.content


def test_what_is_kept_fits_into_the_header_of_a_request(sandbox, rider):
    rider.asks_for_token()
    sandbox.faults.set("link", Fault(kind="reset"))
    sandbox.faults.set("groups", Fault(kind="reset"))
    for number in range(10):
        sandbox.state.add_card(f"card-{number}")
        assert rider.enrolls(f"card-{number}").page == "still_checking"
    ours = {name: cookie.value for name, cookie in rider.client.cookies.items() if cookie.value}
    assert len([name for name in ours if name.startswith("enrollment_lost_")]) == 3
    assert len(str(ours)) < 6_000
