"""The doctor as a whole: policy and files, what it prints, how it ends, and that nothing breaks it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from access.ports import Finding
from countersign.doctor import run
from countersign.doctor.report import Family, as_json, as_text, exit_code
from countersign.doctor.surroundings import Surroundings
from tests.countersign.clinic import Clinic, the, unwell
from workers.signing import KEY_FILE

ALL_WELL = [Family("Redis", [Finding(level="ok", subject="reachable", sentence="Redis answers.")])]
WARNED = Finding(level="warning", subject="scopes", sentence="Too many.", cure="Take them away.")
BROKEN = Finding(level="error", subject="bot token", sentence="Slack does not accept it.", cure="Copy it anew.")


def doctor(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "countersign", "doctor", *arguments]
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(command, env=kept | environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("families", "code"),
    [
        (ALL_WELL, 0),
        ([*ALL_WELL, Family("Slack", [WARNED])], 1),
        ([Family("Slack", [BROKEN]), *ALL_WELL, Family("Slack", [WARNED])], 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst(families: list[Family], code: int) -> None:
    assert exit_code(families) == code


def test_people_read_aligned_groups_with_the_level_as_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    long = Finding(level="error", subject="clock", sentence="Two clocks " + "are far " * 8 + "apart.", cure="Use NTP.")

    text = as_text([*ALL_WELL, Family("Slack", [WARNED, BROKEN, long])])

    assert text == (
        "Redis\n"
        "  ok       reachable  Redis answers.\n"
        "\n"
        "Slack\n"
        "  warning  scopes     Too many.\n"
        "                      → Take them away.\n"
        "  error    bot token  Slack does not accept it.\n"
        "                      → Copy it anew.\n"
        "  error    clock      Two clocks are far are far are far are far are\n"
        "                      far are far are far are far apart.\n"
        "                      → Use NTP.\n"
        "\n"
        "2 errors, 1 warning, 1 ok."
    )


def test_a_terminal_is_not_ordered_about_by_a_targets_words() -> None:
    evil = Finding(level="ok", subject="a\x1b[2Jb", sentence="\x1b]0;title\x07 role\nok       forged")

    text = as_text([Family("Targets", [evil])])

    assert "\x1b" not in text
    assert "\nok " not in text


def test_programs_read_a_list() -> None:
    assert json.loads(as_json([*ALL_WELL, Family("Slack", [BROKEN])])) == [
        {"family": "Redis", "level": "ok", "subject": "reachable", "sentence": "Redis answers.", "cure": ""},
        {"family": "Slack", "level": "error", "subject": "bot token", "sentence": "Slack does not accept it.",
         "cure": "Copy it anew."},
    ]  # fmt: skip


def test_a_check_that_breaks_is_a_finding_and_the_others_are_made(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Surroundings) -> Iterator[Finding]:
        yield Finding(level="ok", subject="before", sentence="All is well so far.")
        raise RuntimeError("canary")

    monkeypatch.setitem(run.FAMILIES, "Redis", broken)

    families = {family.name: family.findings for family in clinic.examine()}

    assert the(families["Redis"], "before").level == "ok"
    found = the(families["Redis"], "check")
    assert found.level == "error"
    assert "RuntimeError at test_doctor.py" in found.sentence
    assert "canary" not in found.sentence
    assert unwell(families["Files"]) == []


def test_with_nothing_set_up_every_finding_says_what_to_do(tmp_path: Path) -> None:
    told = doctor({"COUNTERSIGN_STATE": str(tmp_path / "state"), "COUNTERSIGN_POLICY": str(tmp_path / "access.yml")})

    assert told.returncode == 2
    assert "Traceback" not in told.stdout + told.stderr
    for cure in ("countersign init", "countersign migrate", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "REDIS_URL"):
        assert cure in told.stdout
    assert list(tmp_path.iterdir()) == [], "to look changes nothing"


def test_the_command_prints_a_list_for_programs_and_nothing_beside_it(tmp_path: Path) -> None:
    told = doctor({"COUNTERSIGN_STATE": str(tmp_path), "COUNTERSIGN_POLICY": str(tmp_path / "access.yml")}, "--json")

    assert told.returncode == 2
    found = json.loads(told.stdout)
    assert {one["family"] for one in found} == set(run.FAMILIES)
    assert all(one.keys() == {"family", "level", "subject", "sentence", "cure"} for one in found)
    assert {"error", "ok"} <= {one["level"] for one in found}


def test_settings_that_cannot_be_read_are_a_finding(clinic: Clinic) -> None:
    clinic.environment["SLACK_BOT_TOKEN_FILE"] = "/nowhere/token"

    (family,) = clinic.examine()

    assert unwell(family.findings) == [("error", "environment")]
    assert "/nowhere/token" in family.findings[0].sentence


# The policy and the files


def test_every_mistake_of_the_policy_is_found_with_its_line(clinic: Clinic) -> None:
    text = clinic.policy.read_text(encoding="utf-8")
    clinic.policy.write_text(text.replace("owner: payments-leads", "owner: payments-lead"), encoding="utf-8")

    (found,) = clinic.look("Policy")

    assert found.level == "error"
    assert "payments-lead" in found.sentence
    assert f"Edit line {text[: text.index('owner:')].count(chr(10)) + 1} of {clinic.policy}" in found.cure


def test_advice_on_the_policy_is_a_warning(clinic: Clinic) -> None:
    text = clinic.policy.read_text(encoding="utf-8").replace("people: [lea, kim]", "people: [lea]")
    clinic.policy.write_text(text, encoding="utf-8")

    findings = clinic.look("Policy")

    assert {finding.level for finding in findings} == {"ok", "warning"}
    assert any("Only lea can approve" in finding.sentence for finding in findings)


def test_a_role_without_a_description_is_a_warning_with_its_cure(clinic: Clinic) -> None:
    lines = clinic.policy.read_text(encoding="utf-8").splitlines(keepends=True)
    bare = [line for line in lines if not line.lstrip().startswith("description: ")]
    assert len(lines) - len(bare) == 2
    clinic.policy.write_text("".join(bare), encoding="utf-8")

    (found,) = [one for one in clinic.look("Policy") if one.level == "warning"]

    assert found.sentence.startswith("Roles `read` and `fix-orders` of customers-db have no `description`")
    assert found.cure.startswith(f"Edit line {bare.index('      read:' + chr(10)) + 1} of {clinic.policy}")


def test_a_policy_without_a_canary_is_well_and_gets_a_hint(clinic: Clinic) -> None:
    assert the(clinic.look("Policy"), "canary").sentence == "customers-db/nothing is opened and closed every 5 min."
    text = clinic.policy.read_text(encoding="utf-8")
    clinic.policy.write_text(text.replace("canary: {", "#canary: {"), encoding="utf-8")

    hint = the(clinic.look("Policy"), "canary")

    assert hint.level == "ok"
    assert hint.sentence == (
        "No canary is configured, so a broken grant is noticed only by the next person who needs one."
    )
    assert "`canary` in the policy" in hint.cure


def test_a_policy_that_is_no_text_is_found(clinic: Clinic) -> None:
    clinic.policy.write_bytes(b"\xff\xfe")

    assert unwell(clinic.look("Policy")) == [("error", "access.yml")]


def test_files_as_they_should_be_are_well(clinic: Clinic) -> None:
    key = clinic.state / KEY_FILE
    key.write_text("5a" * 32)
    key.chmod(0o600)

    findings = clinic.look("Files")

    assert unwell(findings) == []
    assert [one.subject for one in findings] == ["state directory", "job key", "policy file"]


def test_what_others_may_read_or_write_is_found(clinic: Clinic) -> None:
    key = clinic.state / KEY_FILE
    key.write_text("5a" * 32)
    key.chmod(0o640)
    clinic.state.chmod(0o755)
    clinic.policy.chmod(0o666)

    findings = clinic.look("Files")

    assert unwell(findings) == [("warning", "state directory"), ("error", "job key"), ("warning", "policy file")]
    assert the(findings, "job key").cure == f"Run `chmod 600 {key}`."


def test_a_database_that_others_may_read_is_found(clinic: Clinic) -> None:
    (clinic.state / "countersign.db").touch()
    (clinic.state / "countersign.db").chmod(0o644)

    findings = clinic.look("Files")

    assert unwell(findings) == [("warning", "database file")]
    assert "chmod 600" in the(findings, "database file").cure


@pytest.mark.parametrize("key", ["5a5a", "not a key at all"])
def test_a_job_key_that_is_none_is_found_and_not_shown(clinic: Clinic, key: str) -> None:
    clinic.environment["COUNTERSIGN_JOB_KEY"] = key

    found = the(clinic.look("Files"), "job key")

    assert found.level == "error"
    assert key not in found.sentence + found.cure
