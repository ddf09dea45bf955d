"""How a program is run: what it gets, how long it has, how much it may say, and that nothing of it is left."""

import json
import os
import pwd
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from access.errors import Ambiguous, BadConfig, Permanent, ProviderError, Transient
from tests.waiting import wait_until
from tests.workers.command.programs import AS_ROOT, GRANTED, Shelf, make_spec, soon

as_root = pytest.mark.skipif(not AS_ROOT and not os.environ.get("CI"), reason="only root can run as another account")


def test_words_reach_the_program_as_they_are_and_no_shell_reads_them(shelf: Shelf) -> None:
    canary = shelf.folder / "canary"
    hostile = f"$(touch {canary}); `touch {canary}` && 'x\" > {canary}\n-rf \u202e🔑"
    provider = shelf.provider(f'cat > {shelf.folder}/asked; echo "$@" > {shelf.folder}/arguments; {GRANTED}')

    provider.grant(make_spec(principal=hostile, resource=hostile, role=hostile), soon())

    asked = json.loads(shelf.text("asked"))
    assert [asked["grant"][word] for word in ("principal", "resource", "role")] == [hostile] * 3
    assert shelf.text("arguments") == "\n"
    assert not canary.exists()


def test_arguments_of_the_policy_are_whole_however_they_look(shelf: Shelf) -> None:
    arguments = ["--to", "a b", "$HOME", "*", "; id"]
    provider = shelf.provider(f'printf "%s\\n" "$@" > {shelf.folder}/arguments; {GRANTED}', arguments=arguments)

    provider.grant(make_spec(), soon())

    assert shelf.text("arguments").splitlines() == arguments


def test_nothing_of_our_environment_reaches_the_program_but_what_is_named(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-of-ours")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    environment = {"HTTPS_PROXY": {"env": "HTTPS_PROXY"}}
    provider = shelf.provider(f"env > {shelf.folder}/env; {GRANTED}", environment=environment)

    provider.grant(make_spec(), soon())

    there = {line.partition("=")[0] for line in shelf.text("env").splitlines()}
    assert there - {"PWD", "SHLVL", "_", "OLDPWD"} == {"PATH", "LANG", "HOME", "USER", "LOGNAME", "HTTPS_PROXY"}
    assert "http://proxy.example:3128" in shelf.text("env")


def test_a_secret_goes_to_standard_input_and_never_into_the_arguments(shelf: Shelf) -> None:
    body = (
        f"cat > {shelf.folder}/asked; tr '\\0' ' ' < /proc/$$/cmdline > {shelf.folder}/seen; env >> {shelf.folder}/seen"
    )
    provider = shelf.provider(f"{body}; {GRANTED}", secrets={"api_token": shelf.secret("canary-5f1e77")})

    outcome = provider.grant(make_spec(), soon())

    assert "canary-5f1e77" in shelf.text("asked")
    assert "canary-5f1e77" not in shelf.text("seen")
    assert "canary-5f1e77" not in outcome.receipt.model_dump_json() + str(provider.plan(make_spec()))


@pytest.mark.parametrize("verb", ["grant", "observe", "revoke"])
def test_a_program_that_shows_a_secret_is_not_believed(shelf: Shelf, verb: str) -> None:
    said = '{"error": {"kind": "permanent", "sentence": "denied for canary-5f1e77"}}'
    provider = shelf.provider(f"echo '{said}'", secrets={"api_token": shelf.secret("canary-5f1e77")})

    error = _error(provider, verb)

    assert "canary-5f1e77" not in error.sentence
    assert isinstance(error, Permanent if verb == "observe" else Ambiguous)


@as_root
def test_where_the_worker_is_root_the_program_has_the_account_that_is_named(shelf: Shelf) -> None:
    """Its groups too: not one of root's is left."""
    shelf.folder.chmod(0o755)
    for parent in list(shelf.folder.parents)[:-2]:
        parent.chmod(parent.stat().st_mode | 0o711)
    nobody = pwd.getpwnam("nobody")

    shown = """printf '{"present": true, "sessions": %s}' $(id -u)$(id -G | tr -d ' ')"""

    provider = shelf.provider(shown, user="nobody")

    assert provider.observe(make_spec(), None, soon()).sessions == int(f"{nobody.pw_uid}{nobody.pw_gid}")


@as_root
def test_where_the_worker_is_root_an_account_has_to_be_named(shelf: Shelf) -> None:
    error = _error(shelf.provider(GRANTED, user=None), "grant")

    assert isinstance(error, BadConfig)
    assert "the word user" in error.sentence


def test_an_account_that_is_not_there_is_a_sentence(shelf: Shelf) -> None:
    assert isinstance(_error(shelf.provider(GRANTED, user="no-such-account"), "grant"), BadConfig)


@pytest.mark.parametrize(("verb", "expected"), [("grant", Ambiguous), ("revoke", Ambiguous), ("observe", Transient)])
def test_a_program_that_is_late_is_ended_with_all_that_it_started(
    shelf: Shelf, verb: str, expected: type[ProviderError]
) -> None:
    """A grandchild holds the pipe, and does not listen to anything that it can ignore."""
    deaf = f"trap '' TERM HUP INT; echo $$ >> {shelf.folder}/pids; sleep 600"
    provider = shelf.provider(f"echo $$ > {shelf.folder}/pids; ({deaf}) & sh -c '{deaf.replace(chr(39), chr(34))}'")

    begun = time.monotonic()
    error = _error(provider, verb, seconds=1.0)

    assert type(error) is expected
    assert time.monotonic() - begun < 10
    for pid in map(int, shelf.text("pids").split()):
        wait_until(lambda pid=pid: not _runs(pid), f"the process {pid} to be gone")


def test_what_a_program_leaves_behind_neither_holds_us_up_nor_lives_on(shelf: Shelf) -> None:
    provider = shelf.provider(f"sleep 600 & echo $! > {shelf.folder}/pids; {GRANTED}")

    assert provider.grant(make_spec(), soon()).state == "active"

    wait_until(lambda: not _runs(int(shelf.text("pids"))), "the process that was left behind to be gone")


@pytest.mark.parametrize(("verb", "expected"), [("grant", Ambiguous), ("observe", Permanent)])
@pytest.mark.parametrize("body", ["yes", "head -c 3000000 /dev/zero", "yes & sleep 600"])
def test_megabytes_are_a_sentence(shelf: Shelf, body: str, verb: str, expected: type[ProviderError]) -> None:
    error = _error(shelf.provider(body), verb)

    assert type(error) is expected
    assert "more than 1 MiB" in error.sentence


GARBAGE = {
    "nothing": "true",
    "no JSON": "echo access granted",
    "half": 'printf \'{"state": "act\'',
    "another shape": "echo '[1, 2]'",
    "an unknown word": """echo '{"state": "active", "present": true, "residuals": []}'""",
    "bytes": "head -c 4096 /dev/urandom",
    "nested": "head -c 900000 /dev/zero | tr '\\0' '['",
    "no number": """echo '{"state": "active", "present": NaN, "details": {"x": NaN}}'""",
    "too large a number": """echo '{"state": "active", "present": 1e999, "details": {"x": 1e999}}'""",
    "a NUL": """echo '{"state": "active", "details": {"x": "\\u0000"}}'""",
    "very many details": """printf '{"state": "active", "details": {"x": "%020000d"}}' 1""",
}


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_a_sentence_and_nothing_of_it_is_shown(shelf: Shelf, body: str) -> None:
    provider = shelf.provider(body)

    for verb, expected in (("grant", Ambiguous), ("observe", Permanent)):
        error = _error(provider, verb)
        assert type(error) is expected
        assert "can be read" in error.sentence


def test_a_program_that_ends_by_a_signal_leaves_it_open_whether_it_was_done(shelf: Shelf) -> None:
    error = _error(shelf.provider(f"{GRANTED}; kill -SEGV $$"), "grant")

    assert isinstance(error, Ambiguous)
    assert f"signal {signal.SIGSEGV.value}" in error.sentence


def test_an_answer_beside_an_exit_code_is_not_believed(shelf: Shelf) -> None:
    assert isinstance(_error(shelf.provider(f"{GRANTED}; exit 3"), "grant"), Ambiguous)


def test_a_program_that_cannot_be_started_has_done_nothing(shelf: Shelf) -> None:
    provider = shelf.provider(GRANTED)
    (shelf.folder / "program").write_bytes(b"\x7fELF no machine runs this")

    assert isinstance(_error(provider, "grant"), BadConfig)


def test_words_for_people_are_one_line_that_shows_all_it_has(shelf: Shelf) -> None:
    said = "first\\nsecond\\u202e" + "x" * 400
    error = _error(
        shelf.provider(f"""printf '%s' '{{"error": {{"kind": "permanent", "sentence": "{said}"}}}}'"""), "grant"
    )

    assert error.sentence.startswith("first second x")
    assert len(error.sentence) == 300


def test_the_program_hears_until_when_it_may_change_anything(shelf: Shelf) -> None:
    shelf.provider(f"cat > {shelf.folder}/asked; {GRANTED}").grant(make_spec(), soon(5))

    until = datetime.fromisoformat(json.loads(shelf.text("asked"))["deadline"])
    assert timedelta(0) < until - datetime.now(UTC) <= timedelta(seconds=5)


def test_no_descriptor_is_left_open(shelf: Shelf) -> None:
    provider = shelf.provider(GRANTED)
    provider.grant(make_spec(), soon())
    before = len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(5):
        provider.grant(make_spec(), soon())
        _error(provider, "observe")

    assert len(list(Path("/proc/self/fd").iterdir())) == before


def _error(provider: object, verb: str, *, seconds: float = 20) -> ProviderError:
    spec = make_spec()
    known = () if verb == "grant" else (None,)
    with pytest.raises(ProviderError) as raised:
        getattr(provider, verb)(spec, *known, soon(seconds))
    return raised.value


def _runs(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
