"""The page about the provider command: its set-up is pasted into a host, its policy is read, its tables are whole."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from access.ports import Deadline
from countersign.providers import ProviderClasses
from tests.contracts.command_host import READY, Host, spec_of
from workers.providers.command import Command, Settings
from workers.providers.command.errors import EXIT_CODES, KINDS
from workers.providers.command.settings import Role
from workers.providers.exchange.schema import ANSWERS, Question, read_answer

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/providers/command.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
SCRIPTS = dict(re.findall(r"<!-- set-up: (\w+) -->\n```sh\n(.*?)```", PAGE, re.DOTALL))
_CHECK = """
import json, sys
from access.ports import Deadline
from workers.providers.command import Command, Settings
from workers.providers.command.settings import Role
settings, grants = json.load(sys.stdin)
found = Command(Settings.model_validate(settings)).check({"use": Role(grants=grants)}, Deadline.after(20))
print(json.dumps([[one.level, one.subject, one.sentence] for one in found]))
"""


def _row(name: str) -> list[str]:
    return [line for line in PAGE.splitlines() if line.startswith("|") and f"`{name}`" in line.split("|")[1]]


def test_the_provider_is_found_by_its_name() -> None:
    assert ProviderClasses()["command"].name == "command"


@pytest.mark.parametrize("settings", [yaml.safe_load(block) for block in BLOCKS], ids=["sudoers", "groups"])
def test_the_policy_of_the_page_is_read(settings: dict[str, object]) -> None:
    found = settings["resources"][0]["settings"] if "resources" in settings else settings["settings"]  # pyright: ignore

    assert Settings.model_validate(found).program.startswith("/usr/local/lib/countersign/")


def test_the_page_has_a_line_for_every_word_verb_and_error() -> None:
    words = [*Settings.model_fields, *ANSWERS, *KINDS]

    assert [word for word in words if not _row(word)] == []
    assert [code for code in EXIT_CODES if not re.search(rf"\| [\d, ]*\b{code}\b[\d, ]* \|", PAGE)] == []


def test_the_examples_of_the_page_are_what_is_written_and_read() -> None:
    (question,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    said = Question.model_validate_json(question)

    assert json.loads(said.as_json()) == json.loads(question)
    for verb in ANSWERS:
        example = re.search(r"`(\{.*?\})`", _row(verb)[0].replace("…", "x")) if verb != "extend" else None
        assert verb == "extend" or (example and read_answer(verb, example[1].encode()))


@pytest.mark.skipif(not READY, reason="needs root and sudo")
@pytest.mark.parametrize("name", ["sudoers", "groups"])
def test_the_set_up_of_the_page_leaves_nothing_to_mend(tmp_path: Path, name: str) -> None:
    """Pasted into a host of its own, where the check then looks."""
    host = Host(tmp_path, f"{name}.py")
    try:
        host.file("sudoers", ["@includedir /etc/sudoers.d"], mode=0o440)
        block = yaml.safe_load(BLOCKS[["sudoers", "groups"].index(name)])
        settings = block["resources"][0]["settings"] if "resources" in block else block["settings"]
        given = {"sudoers": ["/usr/bin/id -u"], "groups": ["payments"]}[name]
        script = SCRIPTS[name].replace("/usr/bin/systemctl restart app", "/usr/bin/id -u")  # which is on every host
        own = f"mount --bind {host.etc} /etc && mount -t tmpfs -o mode=755 none /usr/local/lib"
        typed = f'{own} && (umask 022\n{script}) && exec "$0" -c "$1"'
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-ec", typed, sys.executable, _CHECK], input=json.dumps([settings, given]),
            capture_output=True, text=True, check=False, cwd=ROOT, timeout=60,
        )  # fmt: skip
    finally:
        host.close()

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [one for one in found if one[0] == "error"] == []
    assert ["warning", "account", "The program runs as root."] in found
    assert Role(grants=given).grants == given


@pytest.mark.skipif(not READY, reason="needs root and sudo")
def test_what_the_page_says_to_type_takes_a_person_out_of_every_group_of_the_role(tmp_path: Path) -> None:
    """The program is gone from that host, so that only what the policy says by hand can."""
    host = Host(tmp_path, "groups.py")
    try:
        settings, given = yaml.safe_load(BLOCKS[1])["settings"], ["payments", "ledgers"]
        for group in given:
            subprocess.run(["gpasswd", "--root", host.root, "-a", "ann", group], check=True, capture_output=True)
        plan = Command(Settings.model_validate(settings)).plan(spec_of(settings, given, "ann"))
        typed = "\n".join(["mount --bind $0 /etc", *plan.revoke])
        subprocess.run(["unshare", "--mount", "sh", "-c", typed, host.etc], capture_output=True, check=False)
        rows = [line.split(":") for line in (host.etc / "group").read_text().splitlines()]
    finally:
        host.close()

    assert [row[0] for row in rows if "ann" in row[3].split(",")] == []


@pytest.mark.skipif(not READY, reason="needs root and sudo")
@pytest.mark.parametrize("name", ["sudoers", "groups"])
def test_the_person_of_the_pages_example_can_be_given_access(tmp_path: Path, name: str) -> None:
    host = Host(tmp_path, f"{name}.py")
    person, given = "ann.a", {"sudoers": ["/usr/bin/id"], "groups": ["payments"]}[name]
    assert f"names: {{command: {person}}}" in PAGE
    try:
        host.file(f"countersign/{'sudo-commands' if name == 'sudoers' else name}", given)
        with (host.etc / "passwd").open("a") as accounts:
            accounts.write(f"{person}:x:61009:61009::/:/bin/sh\n")
        settings = host.settings(shared=name == "groups")
        provider, spec = Command(Settings.model_validate(settings)), spec_of(settings, given, person)

        assert provider.grant(spec, Deadline.after(20)).state == "active"
        assert provider.observe(spec, None, Deadline.after(20)).present
        assert provider.revoke(spec, None, Deadline.after(20)).state == "removed"
    finally:
        host.close()


@pytest.mark.skipif(not READY, reason="needs root and sudo")
@pytest.mark.parametrize("name", ["sudoers", "groups"])
def test_a_program_whose_caller_died_opens_nothing_after_the_deadline(tmp_path: Path, name: str) -> None:
    host = Host(tmp_path, f"{name}.py")
    try:
        given = {"sudoers": ["/usr/bin/id"], "groups": ["payments"]}[name]
        host.file(f"countersign/{'sudo-commands' if name == 'sudoers' else name}", given)
        grant = {"id": "0" * 26, "principal": "ann", "grants": given, "expires_at": "2099-01-01T00:00:00Z"}
        question = {"verb": "grant", "grant": grant, "deadline": "2026-01-01T00:00:00Z"}
        before = (host.etc / "group").read_text()
        done = subprocess.run(
            [host.real, "--root", host.root], input=json.dumps(question), capture_output=True, text=True, check=True
        )
    finally:
        host.close()

    assert json.loads(done.stdout)["error"]["kind"] == "transient"
    assert list((host.etc / "sudoers.d").iterdir()) == []
    assert (host.etc / "group").read_text() == before
