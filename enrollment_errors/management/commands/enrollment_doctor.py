"""Try the site's setup without enrolling anyone. The exit status is 1 if something is wrong."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ...doctor.diagnoses import Level
from ...doctor.examination import Finding, examine
from ...plural import counted

_MARKS = {Level.OK: "ok", Level.WARNING: "WARN", Level.FAILURE: "FAIL", Level.NOT_TRIED: "-"}


class Command(BaseCommand):
    help = "Tries, without enrolling anyone, whether this site can enroll riders, and says what is wrong."
    # It also examines sites with wrong settings.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--account",
            action="append",
            default=[],
            metavar="NAME",
            help="examine only this account; you can repeat it",
        )
        parser.add_argument(
            "--group",
            action="append",
            default=[],
            metavar="ID",
            help="also look for this concession group; you can repeat it",
        )
        parser.add_argument("--json", action="store_true", help="print JSON for programs, after the last probe")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = []
        for finding in examine(options["account"], options["group"]):
            findings.append(finding)
            if not options["json"]:
                self._show(finding)
        if options["json"]:
            self.stdout.write(json.dumps([_as_json(finding) for finding in findings], indent=2))
        failures = sum(finding.level is Level.FAILURE for finding in findings)
        if not options["json"]:
            warnings = sum(finding.level is Level.WARNING for finding in findings)
            untried = sum(not finding.was_tried for finding in findings)
            self.stdout.write(
                f"\n{counted(len(findings), 'probe')}: {failures} failed, {warnings} with a warning"
                + (f", {untried} not tried." if untried else ".")
            )
        if failures:
            sys.exit(1)

    def _show(self, finding: Finding) -> None:
        """Print each row at once, because the next probe may be slow."""
        self.stdout.write(
            f"{_MARKS[finding.level]:<5} {finding.subject:<24} {finding.probe:<24} {finding.detail}".rstrip()
        )
        if finding.diagnosis:
            self.stdout.write(f"      {finding.cause}\n      {finding.action}")
        self.stdout.flush()


def _as_json(finding: Finding) -> dict[str, str]:
    return {
        "subject": finding.subject,
        "probe": finding.probe,
        "level": finding.level.value,
        "diagnosis": finding.diagnosis,
        "detail": finding.detail,
        "cause": finding.cause,
        "action": finding.action,
    }
