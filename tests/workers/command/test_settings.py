"""What the policy may say of a program, what it can then do, and what is printed for a person."""

import json
import shlex
import subprocess
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from access.errors import BadConfig, Unsupported
from access.ports import Isolation
from tests.workers.command.programs import GRANTED, Shelf, make_spec, soon
from workers.providers.command import Command, Settings

PROGRAM = "/usr/local/lib/countersign/sudoers"
WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "Field required"),
    ({"program": "sudoers"}, "whole path"),
    ({"program": "./sudoers"}, "whole path"),
    ({"program": "/opt/../home/eve/sudoers"}, "no `..`"),
    ({"program": "/opt//sudoers"}, "`//`"),
    ({"program": "/opt/\0"}, "invisible"),
    ({"program": PROGRAM, "arguments": "--root /"}, "tuple"),
    ({"program": PROGRAM, "arguments": ["a\0b"]}, "invisible"),
    ({"program": PROGRAM, "user": "0; id"}, "pattern"),
    ({"program": PROGRAM, "secrets": {"token": "hunter2"}}, "SecretReference"),
    ({"program": PROGRAM, "environment": {"LD_PRELOAD": {"env": "X"}}}, "decides what is run"),
    ({"program": PROGRAM, "environment": {"PATH": {"env": "PATH"}}}, "decides what is run"),
    ({"program": PROGRAM, "environment": {"COUNTERSIGN_JOB_KEY": {"env": "X"}}}, "belongs to Countersign"),
    ({"program": PROGRAM, "environment": {"a b": {"env": "X"}}}, "pattern"),
    ({"program": PROGRAM, "can": ["expire", "fly"]}, "'expire'"),
    ({"program": PROGRAM, "can": ["extend"]}, "needs `expire`"),
    ({"program": PROGRAM, "shared": True, "can": ["list"]}, "leave out"),
    ({"program": PROGRAM, "by_hand": ["rm {file}"]}, "no placeholder"),
    ({"program": PROGRAM, "shell": True}, "Extra inputs"),
]


@pytest.mark.parametrize(("settings", "why"), WRONG, ids=lambda value: str(value)[:40])
def test_settings_that_cannot_be_meant_are_refused_when_the_policy_is_read(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Settings.model_validate(settings)

    assert why.replace("SecretReference", "valid dictionary") in str(raised.value) or why in str(raised.value)


def test_a_target_can_what_its_settings_say_and_nothing_else() -> None:
    of = Command.capabilities.of
    every = of({"can": ["expire", "extend", "end_sessions", "reveal", "list"], "end_means": "All ends."})
    none = of({})
    shared = of({"shared": True, "can": ["list_holders"]})

    assert (every.native_expiry, every.extend, every.ends_sessions, every.reveals, every.list_managed) == (
        timedelta(seconds=1), True, True, True, True,
    )  # fmt: skip
    assert every.end_means == "All ends."
    assert none.native_expiry is None
    assert not any((none.extend, none.ends_sessions, none.reveals, none.list_managed, none.list_holders))
    assert (shared.isolation, shared.list_holders) == (Isolation.SHARED, True)


def test_what_the_settings_do_not_say_is_never_asked_of_the_program(shelf: Shelf) -> None:
    provider = shelf.provider(f"touch {shelf.folder}/ran")

    for call in (
        lambda: provider.extend(make_spec(), None, soon()),
        lambda: provider.reveal(make_spec(), None, soon()),
        lambda: provider.list_managed(soon()),
        lambda: provider.list_holders(soon()),
        lambda: provider.clean_up([], soon()),
    ):
        with pytest.raises(Unsupported):
            call()
    assert not (shelf.folder / "ran").exists()


def test_a_target_that_ends_access_itself_has_to_say_when(shelf: Shelf) -> None:
    provider = shelf.provider(GRANTED, can=["expire"])

    with pytest.raises(Exception, match="did not say when"):
        provider.grant(make_spec(), soon())


def test_the_printed_line_asks_the_same_program_the_same(shelf: Shelf) -> None:
    """Whatever is in the words: they reach it as they are."""
    provider = shelf.provider(f"cat > {shelf.folder}/asked; env > {shelf.folder}/env", arguments=["a b", "$HOME"])
    hostile = "ann'; touch /tmp/canary; '\n`id` $(id) \" \\ 🔑"
    spec = make_spec(principal=hostile)
    (line,) = provider.plan(spec).revoke

    subprocess.run(["/bin/sh", "-c", line], check=True)

    asked = json.loads(shelf.text("asked"))
    assert (asked["verb"], asked["grant"]["principal"], asked["grant"]["name"]) == (
        "revoke", hostile, f"cs_{spec.grant_id}",
    )  # fmt: skip
    assert {row.partition("=")[0] for row in shelf.text("env").splitlines()} <= {"PATH", "PWD", "SHLVL", "_", "OLDPWD"}


def test_statements_by_hand_are_printed_with_the_words_quoted() -> None:
    settings = Settings(program=PROGRAM, by_hand=("gpasswd -d {principal} {grants}", "rm -f /etc/sudoers.d/{name}"))
    spec = make_spec(principal="ann; id", definition={"grants": ["pay roll", "b"]})

    _, first, second = Command(settings).plan(spec).revoke

    assert shlex.split(first) == ["gpasswd", "-d", "ann; id", "pay roll", "b"]
    assert second == f"rm -f /etc/sudoers.d/cs_{spec.grant_id}"


def test_a_plan_says_where_and_as_whom_and_names_the_secrets_it_leaves_out(shelf: Shelf) -> None:
    settings = Settings.model_validate(
        {"program": PROGRAM, "user": "grants", "where": "app-1", "secrets": {"api_token": {"env": "NO_SUCH"}}}
    )

    plan = Command(settings).plan(make_spec())

    assert plan.where == "app-1, as grants"
    assert plan.revoke[0].endswith('# add "secrets" to the question: api_token')


def test_one_program_as_one_account_is_one_target_whatever_its_secrets() -> None:
    key = Command.target_key
    one = Settings(program=PROGRAM, user="root")

    assert key(one) == key(one.model_copy(update={"where": "elsewhere", "can": frozenset({"expire"})}))
    assert key(one) != key(one.model_copy(update={"arguments": ("--root", "/srv")}))
    assert key(one) != key(one.model_copy(update={"user": "grants"}))


@pytest.mark.parametrize("definition", [{}, {"grants": []}, {"grants": ["a\nb"]}, {"grants": ["a"], "as": "root"}])
def test_a_role_that_cannot_be_used_is_a_sentence(shelf: Shelf, definition: dict[str, Any]) -> None:
    provider = shelf.provider(f"touch {shelf.folder}/ran")

    for call in (lambda: provider.grant(make_spec(definition=definition), soon()),
                 lambda: provider.plan(make_spec(definition=definition))):  # fmt: skip
        with pytest.raises(BadConfig, match="This role cannot be used by the provider command: "):
            call()
    assert not (shelf.folder / "ran").exists()


def test_what_another_version_took_for_a_role_still_ends(shelf: Shelf) -> None:
    ends = """case $(cat) in *observe*) echo '{"present": false}' ;; *) echo '{"state": "removed"}' ;; esac"""
    provider = shelf.provider(ends)

    for definition in ({"grants": []}, {"grants": ["restart"], "as": "root"}, {"commands": ["restart"]}):
        spec = make_spec(definition=definition)
        assert provider.revoke(spec, None, soon()).state == "removed"
        assert provider.observe(spec, None, soon()).present is False
