"""`countersign policy test`, `coverage`, `explain` and `simulate`, as a CI or a person types them."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from countersign.cli.app import app
from countersign.exits import run

ROOT = Path(__file__).parents[2]
LOCAL = ROOT / "examples" / "policy-checks" / "github-workflow.yml"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "access.example.yml", tmp_path / "access.yml")
    shutil.copy(ROOT / "access.tests.example.yml", tmp_path / "access.tests.yml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(*words: str) -> tuple[int, str]:
    said = CliRunner().invoke(app, ["policy", *words])
    return said.exit_code, said.output


def in_json(*words: str) -> tuple[int, Any]:
    code, output = typed(*words, "--json")
    return code, json.loads(output)


def changed(folder: Path, old: str, new: str) -> None:
    text = (folder / "access.yml").read_text(encoding="utf-8")
    assert old in text
    (folder / "access.yml").write_text(text.replace(old, new), encoding="utf-8")


def test_what_the_workflow_types_is_green_on_the_example(folder: Path) -> None:
    lines = LOCAL.read_text(encoding="utf-8").splitlines()
    commands = [line.split("countersign policy ", 1)[1].split() for line in lines if "run: countersign policy" in line]
    assert [words[0] for words in commands] == ["lint", "test", "coverage"]
    assert [typed(*words)[0] for words in commands] == [0, 0, 0]


def test_a_change_that_widens_fails_its_case_and_says_where(folder: Path) -> None:
    """Security may be left out, and nobody would have noticed in the diff."""
    changed(folder, "quorum: 2, request_ttl: 2h", "request_ttl: 2h")
    changed(folder, "        - {any_of: [security], quorum: 1}\n", "")

    code, output = typed("test")
    assert code == 1
    assert "FAILED an engineer changes orders when a lead and then security agree" in output
    assert "it has 1 stage, not 2" in output
    assert "rule orders-fix opens level high with 1 of 2 approvals" in output
    _, facts = in_json("test")
    broken = [one["name"] for one in facts["cases"] + facts["properties"] if not one["holds"]]
    assert facts["failed"] == len(broken) == 3
    assert all(f"access.tests.yml:{one['line']}: " in output for one in facts["cases"] if not one["holds"])


def test_a_rule_without_a_case_fails_the_coverage(folder: Path) -> None:
    cases = folder / "access.tests.yml"
    text = re.sub(r"(, |^ +)stages: \[\[.*?\]\]", "", cases.read_text(encoding="utf-8"), flags=re.MULTILINE)
    cases.write_text(text, encoding="utf-8")

    code, output = typed("coverage")
    assert code == 1
    assert "no case touches stage 2 of rule orders-fix" in output
    assert in_json("coverage")[1]["percent"] < 100


def test_a_policy_that_cannot_be_used_is_no_green_test(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed(folder, "max: 2h", "max: 20h")
    for words in (("test",), ("coverage",), ("explain", "ann", "customers-db/read")):
        with pytest.raises(SystemExit) as ended:
            run(lambda words=words: app(["policy", *words], standalone_mode=False))
        assert ended.value.code not in (0, 1)
        assert "a rule may tighten a level, never loosen it" in capsys.readouterr().err


def test_explain_says_the_terms_or_why_not(folder: Path) -> None:
    assert typed("explain", "ann", "customers-db/fix-orders") == (
        0,
        "Yes, by rule orders-fix: Customer database (production), Correct the status of an order.\n"
        "  level     high\n"
        "  longest   1 h\n"
        "  asked in  C0PAYAPPR; lapses after 2 h\n"
        "  stage 1   1 of payments-leads: kim, lea, sam\n"
        "  stage 2   1 of security: ben, sam\n",
    )
    code, output = typed("explain", "eve", "customers-db/read")
    assert (code, output.startswith("No: There is no customers-db/read that you may ask for.")) == (1, True)
    assert in_json("explain", "eve", "customers-db/read")[1]["because"] == "no_rule"


def test_simulate_says_who_would_be_asked_and_why_not_the_others(folder: Path) -> None:
    code, facts = in_json("simulate", "customers-db/fix-orders", "--as", "lea", "--for", "30m")
    assert (code, facts["rule"]) == (0, "orders-fix")
    assert [stage["asks"] for stage in facts["stages"]] == [["kim", "sam"], ["ben", "sam"]]
    assert facts["stages"][0]["others"]["lea"] == "asks"
    code, output = typed("simulate", "customers-db/fix-orders", "--as", "lea", "--for", "2h")
    assert (code, "✗ time 2 h: is over 1 h" in output) == (1, True)


def test_both_who_asks_and_who_would_receive_are_left_out_of_who_decides(folder: Path) -> None:
    words = ("simulate", "customers-db/fix-orders", "--as", "kim", "--receiver", "lea", "--for", "30m")
    assert in_json(*words)[1]["because"] == "no_rule"  # the rule lets no person ask for another
    asked = "entitlements: [customers-db/fix-orders]}"
    changed(folder, asked, f"{asked}\n    on_behalf: {{groups: [payments-leads]}}")

    code, facts = in_json(*words)
    assert (code, [stage["asks"] for stage in facts["stages"]]) == (0, [["sam"], ["ben", "sam"]])
    others = facts["stages"][0]["others"]
    assert (others["kim"], others["lea"]) == ("asks", "receives")
    words = ("explain", "kim", "customers-db/fix-orders", "--receiver", "lea", "--at", "2026-11-02T10:00+0100")
    code, output = typed(*words)
    assert (code, "stage 1   1 of payments-leads: sam\n" in output) == (0, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("simulate", "customers-db", "--as", "ann"), "an entitlement is written resource/role"),
        (("simulate", "customers-db/read", "--as", "ann", "--for", "long"), "a duration is written like 90s"),
    ],
)
def test_what_is_typed_wrong_is_said_with_the_right_form(folder: Path, words: tuple[str, ...], said: str) -> None:
    code, output = typed(*words)
    assert code == 2
    assert said in " ".join(output.split()).replace("│ ", "")


def test_diff_says_what_can_be_had_by_another_policy_and_fails_where_it_is_more(folder: Path) -> None:
    shutil.copy(folder / "access.yml", folder / "old.yml")
    assert typed("diff", "old.yml", "access.yml") == (0, "Everybody can have the same by the same approvals.\n")
    changed(folder, "max: 2h\n    approve:", "max: 4h\n    approve:")

    code, said = typed("diff", "old.yml", "access.yml")
    line = "customers-db/read can be had for up to 4 h instead of 2 h, by rule `customers-read`"
    assert (code, said) == (1, f"wider     {line}\n1 difference: 1 wider\n")
    assert typed("diff", "old.yml", "access.yml", "--accept-widening")[0] == 0
    assert typed("diff", "access.yml", "old.yml")[0] == 0, "the way back is narrower"
    code, facts = in_json("diff", "old.yml", "access.yml")
    assert (code, facts["wider"], facts["differences"]) == (1, 1, [{"sentence": line, "wider": True}])
