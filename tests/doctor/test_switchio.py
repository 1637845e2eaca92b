"""The doctor examines an account with two servers, mutual TLS, and riders who leave the site."""

from __future__ import annotations

import pytest

from enrollment_errors.doctor.examination import examine_account
from enrollment_errors.sandbox.certificates import Authority
from enrollment_errors.sandbox.faults import Fault

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("switchio_site")]


def found(groups=("OLDER_ADULT",)):
    return {finding.probe: finding for finding in examine_account("switchio", groups=groups)}


def diagnoses():
    return {probe: finding.diagnosis for probe, finding in found().items() if finding.diagnosis}


def test_a_healthy_account_passes_every_probe(switchio):
    findings = found()
    assert not [finding for finding in findings.values() if finding.diagnosis]
    assert findings["health"].detail == "the processor answers"
    assert findings["card form"].detail == "none: riders go to the processor's own page"
    assert {"TLS (enrollment)", "TLS (tokenization)", "groups"} <= findings.keys()
    assert "unknown" not in switchio.calls


def test_a_header_that_the_enrollment_api_does_not_take(switchio):
    switchio.service.adopt({"AUTHORIZATION": "Basic another"})
    assert diagnoses() == {"health": "credentials_refused"}


def test_a_secret_that_signs_for_nobody(switchio):
    switchio.service.adopt({"API_SECRET": "another"})
    assert diagnoses() == {"access": "tokenization_refused"}


def test_a_group_that_is_not_there():
    [wrong] = [finding for finding in found(["STUDENT"]).values() if finding.diagnosis]
    assert (wrong.probe, wrong.diagnosis) == ("group", "group_unknown")
    assert "OLDER_ADULT" in wrong.detail


def test_an_enrollment_api_that_is_down_while_its_server_is_there(switchio):
    switchio.faults.set("health", Fault(kind="status", status=503))
    assert diagnoses() == {"health": "processor_error"}


def test_an_authority_that_did_not_sign_the_servers_certificate(switchio, switchio_site):
    options = {**switchio.account()["OPTIONS"], "CA_CERTIFICATE": Authority().certificate}
    switchio_site(ACCOUNTS={"switchio": {**switchio.account(), "OPTIONS": options}})
    assert diagnoses() == {"TLS (enrollment)": "certificate_untrusted"}


def test_a_key_of_another_certificate(switchio, switchio_site):
    options = {**switchio.account()["OPTIONS"], "PRIVATE_KEY": Authority().issue("somebody").private_key}
    switchio_site(ACCOUNTS={"switchio": {**switchio.account(), "OPTIONS": options}})
    [wrong] = found().values()
    assert wrong.diagnosis == "account_unusable"
    assert "The private key does not belong to the client certificate." in wrong.detail
