"""Every command, as the parser knows them: its help, an empty folder, and what lies there or listens there already.

A new command is in all of this by itself; one that needs words after its name gets them in FORMS.
"""

import errno
import io
import logging
import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import patch

import pytest
from typer.main import get_command

from countersign.cli.app import app, main
from tests.databases import SqliteFiles

Words = tuple[str, ...]
FORMS: dict[Words, tuple[Words, ...]] = {
    ("worker",): (("grant",), ("revoke",), ("tell",)),
    ("digest",): (("--now",), ("--print",)),
    ("restored",): ((), ("--compare",), ("--over",)),
    ("drift",): ((), ("--baseline",)),
    ("outstanding",): ((), ("--json",)),
    ("doctor",): ((), ("--json",)),
    ("providers",): ((), ("--json",)),
    ("conformance",): (("--live", "customers-db"),),
    ("provider", "new"): (("acme",),),
    ("policy", "lint"): ((), ("--json",)),
    ("policy", "test"): ((), ("--json",)),
    ("policy", "coverage"): ((), ("--json",)),
    ("policy", "explain"): (("ann", "customers-db/read"), ("ann", "customers-db/read", "--json")),
    ("policy", "diff"): (("access.yml", "access.yml"), ("access.yml", "access.yml", "--json")),
    ("policy", "simulate"): (("customers-db/read", "--as", "ann"), ("customers-db/read", "--as", "ann", "--json")),
}
"""What is typed after the name, where it is more than one thing or where the name alone is not enough."""
NEED_NOTHING = {
    ("manifest-link",), ("init",), ("demo",), ("providers",), ("providers", "--json"), ("provider", "new", "acme"),
}  # fmt: skip
"""They read no database and no policy: the first prints a link, the second asks, the third brings its own, the next
look at what is installed, the last writes a package."""
NO_DATABASE = {"doctor", "conformance", "policy"}
"""The first is no all clear without; the second reads the policy and looks at a target; the third reads the policy."""
MAKE_A_DATABASE = {("migrate",)}
RUN = {("up",), ("bot",), ("timekeeper",), ("worker", "grant"), ("worker", "revoke"), ("worker", "tell")}
"""Where nothing is wrong they go on until they are told to stop."""
TOKENS = {"SLACK_BOT_TOKEN": "xoxb-canary-1", "SLACK_APP_TOKEN": "xapp-canary-1"}
SOCKET = {"REDIS_URL": "unix:///nowhere/redis.sock"}
NO_TEXT = {"bytes": bytes(range(255, -1, -1)), "escapes": b"a: [\x1b]0;owned\x07", "signs": b"%&*@!{}[]- :\n\t- ?\n"}


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err


class Typed(Protocol):
    def __call__(self, *words: str, **environment: str) -> Said: ...


def named(group: Any, before: Words = ()) -> Iterator[tuple[Words, Any]]:
    """Every command and every group of them, by how it is called."""
    yield before, group
    for name, command in getattr(group, "commands", {}).items():
        yield from named(command, (*before, name))


ALL = dict(named(get_command(app)))
COMMANDS = [words for words, command in ALL.items() if not hasattr(command, "commands")]
TYPED = [words + more for words in COMMANDS for more in FORMS.get(words, ((),))]
LOOK = [words for words in TYPED if words not in NEED_NOTHING | MAKE_A_DATABASE]


def shown(words: Words) -> str:
    return " ".join(words) or "countersign"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing is in it."""
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def typed(folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    """In this process, which is quicker: what it changes in it is as before afterwards."""
    logger = logging.getLogger()
    before, level = logger.handlers[:], logger.level

    def typed(*words: str, **environment: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["countersign", *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO(""))
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {"COLUMNS": "200"}
        capfd.readouterr()
        with patch.dict(os.environ, kept | environment, clear=True), pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        assert code is None or isinstance(code, int), code
        out, err = capfd.readouterr()
        said = Said(code or 0, out, err)
        unreadable = [word for word in ("Traceback", "[Errno", "canary") if word in said.all]
        assert unreadable == [], said.all
        assert not re.search(r"(error|warning): .*\1: ", said.all), said.all
        return said

    yield typed
    logger.handlers[:] = before
    logger.setLevel(level)


def below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("words", ALL, ids=shown)
def test_every_command_explains_itself(words: Words, typed: Typed) -> None:
    said = typed(*words, "--help")

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"Usage: {' '.join(('countersign', *words))} ")
    assert "..." not in said.out.replace("[ARGS]...", ""), "what a command does fits into its line of the list"
    assert str(ALL[words].help).split(".", maxsplit=1)[0] in " ".join(said.out.split())
    for parameter in ALL[words].params:
        assert parameter.help, f"{parameter.name} says what it is for"


@pytest.mark.parametrize("words", LOOK, ids=shown)
def test_in_an_empty_folder_a_command_says_what_to_do_and_makes_nothing(
    words: Words, typed: Typed, folder: Path
) -> None:
    said = typed(*words)

    assert said.code != 0
    assert below(folder) == []
    assert "Usage:" not in said.err, "put into FORMS what has to be typed after its name"
    assert re.search(r"`countersign (init|migrate)`|`set -a; ", said.all), said.all
    assert re.search(r"DATABASE_URL|SLACK_BOT_TOKEN|COUNTERSIGN_POLICY|REDIS_URL", said.all), said.all


@pytest.mark.parametrize("words", sorted(RUN), ids=shown)
def test_with_its_secrets_a_process_makes_nothing_in_a_folder_without_a_database(
    words: Words, typed: Typed, folder: Path
) -> None:
    said = typed(*words, **TOKENS, **SOCKET)

    assert said.code == 2
    assert below(folder) == []
    assert re.search(r"`countersign (init|migrate)`", said.err), said.err


def test_what_needs_nothing_makes_nothing(typed: Typed, folder: Path) -> None:
    assert typed("manifest-link").code == 0
    left = typed("init")
    assert (left.code, "Nothing was written." in left.err) == (2, True)
    assert below(folder) == []


def test_migrate_says_which_database_it_made(typed: Typed, folder: Path) -> None:
    said = typed("migrate")

    assert (said.code, "is at revision" in said.out) == (0, True)
    assert said.err == "Database: sqlite:///.countersign/countersign.db (DATABASE_URL is not set)\n"
    assert below(folder) == [".countersign", ".countersign/countersign.db"]
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in folder.rglob("*")} == {0}


READ = [words for words in LOOK if words not in RUN and words[0] not in NO_DATABASE]


@pytest.mark.parametrize("words", READ, ids=shown)
def test_a_command_names_the_database_that_it_reads(words: Words, typed: Typed, sqlite_files: SqliteFiles) -> None:
    """And leaves no state directory in the folder where it was typed."""
    with sqlite_files.fresh() as url:
        said = typed(*words, DATABASE_URL=url)

    assert f"Database: {url}\n" in said.err
    assert below(Path()) == []


def test_where_a_file_here_sets_the_database_it_says_so(typed: Typed, folder: Path) -> None:
    (folder / ".env").write_text("DATABASE_URL=postgresql://h/canary\n", encoding="utf-8")
    (folder / ".env").chmod(0o600)

    said = typed("outstanding")

    assert said.code == 2
    assert "(DATABASE_URL is not set; the .env here sets it: run `set -a; . ./.env; set +a` first, or add " in said.err


@pytest.mark.parametrize("words", READ, ids=shown)
def test_an_empty_database_is_no_all_clear(words: Words, typed: Typed, sqlite_files: SqliteFiles, folder: Path) -> None:
    (folder / "empty.db").touch()

    said = typed(*words, DATABASE_URL=f"sqlite:///{folder}/empty.db")

    assert (said.code, said.out) == (2, "")
    assert "`countersign migrate`" in said.err


@pytest.mark.parametrize("words", [one for one in READ if one[0] in ("drift", "digest", "restored")], ids=shown)
def test_without_a_policy_what_needs_one_is_no_all_clear(words: Words, typed: Typed, sqlite_files: SqliteFiles) -> None:
    with sqlite_files.fresh() as url:
        said = typed(*words, DATABASE_URL=url)
    if words == ("drift", "--baseline"):
        assert (said.code, "No target has been looked at yet." in said.out) == (1, True)
        return
    if words == ("restored", "--over"):
        return  # ends the comparison, whatever there is

    assert said.code != 0
    assert "Policy: access.yml (COUNTERSIGN_POLICY is not set)\n" in said.err
    assert said.all.count("access.yml: there is no such file. Run `countersign init`") == 1, said.all


@pytest.mark.parametrize("words", [words for words in TYPED if words not in NEED_NOTHING], ids=shown)
def test_a_file_of_settings_that_is_missing_is_named(words: Words, typed: Typed, folder: Path) -> None:
    """Wherever the option stands."""
    after = [*words, "--env-file", "nowhere"] if words[0] != "policy" else ["--env-file", "nowhere", *words]
    for line in (after, ["--env-file", "nowhere", *words]):
        said = typed(*line)

        assert said.code == os.EX_CONFIG
        assert said.err == "The file nowhere cannot be read: there is no such file.\n"
    assert below(folder) == []


@pytest.mark.parametrize("words", sorted(RUN), ids=shown)
def test_settings_from_a_file_are_as_good_as_those_of_the_environment(words: Words, typed: Typed, folder: Path) -> None:
    (folder / "env").write_text("".join(f"{name}={value}\n" for name, value in (TOKENS | SOCKET).items()))
    (folder / "env").chmod(0o600)

    said = typed(*words, "--env-file", "env")

    assert said.code == 2
    assert re.search(r"`countersign (init|migrate)`", said.err), said.err


@pytest.mark.parametrize(
    "words", [words for words in TYPED if words not in NEED_NOTHING and words[0] != "policy"], ids=shown
)
def test_a_secret_whose_file_is_missing_is_named(words: Words, typed: Typed, folder: Path) -> None:
    said = typed(*words, SLACK_BOT_TOKEN_FILE="/nowhere/token")

    assert said.code == (2 if words[0] == "doctor" else os.EX_CONFIG)
    assert "SLACK_BOT_TOKEN_FILE names /nowhere/token, which cannot be read" in said.all
    assert below(folder) == []


@pytest.mark.parametrize("words", sorted(RUN), ids=shown)
def test_a_process_says_all_that_it_lacks_at_once(words: Words, typed: Typed, folder: Path) -> None:
    (folder / ".env").write_text("SLACK_BOT_TOKEN=\nSLACK_APP_TOKEN='xapp canary'\n", encoding="utf-8")
    (folder / ".env").chmod(0o600)

    said = typed(*words)

    assert said.code == os.EX_CONFIG
    lacks = {
        ("up",): "SLACK_BOT_TOKEN is",
        ("bot",): "SLACK_BOT_TOKEN and SLACK_APP_TOKEN are",
        ("timekeeper",): "SLACK_BOT_TOKEN is",
        ("worker", "revoke"): "REDIS_URL is",
    }.get(words, "SLACK_BOT_TOKEN and REDIS_URL are")
    assert said.err.startswith(f"{lacks} not set. ")
    assert re.search(r"Write [A-Z_ and]+ into the \.env here, then load it: run `set -a; ", said.err), said.err
    assert "Write SLACK_BOT_TOKEN and SLACK_APP_TOKEN" not in said.err, "only what is not in it yet"


@pytest.mark.parametrize("words", sorted(RUN), ids=shown)
@pytest.mark.parametrize(
    ("name", "value"),
    [("DATABASE_URL", "mysql://h/n"), ("REDIS_URL", "localhost:6379"), ("COUNTERSIGN_JOB_KEY", "short"),
     ("COUNTERSIGN_LOG_LEVEL", "LOUD")],
)  # fmt: skip
def test_a_setting_that_cannot_be_used_ends_a_process_with_the_code_for_that(
    words: Words, name: str, value: str, *, typed: Typed, folder: Path
) -> None:
    said = typed(*words, **TOKENS | SOCKET | {name: value})

    if (words, name) == (("bot",), "COUNTERSIGN_JOB_KEY"):
        return  # it has none
    assert said.code == os.EX_CONFIG
    assert said.err.startswith(name)
    assert below(folder) == []


@pytest.fixture
def taken() -> Iterator[int]:
    """A port at which another program listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.mark.parametrize("words", sorted(RUN), ids=shown)
def test_a_port_in_use_is_named_with_its_setting(
    words: Words, typed: Typed, folder: Path, sqlite_files: SqliteFiles, taken: int
) -> None:
    (folder / "access.yml").write_text(Path(__file__).parents[2].joinpath("access.example.yml").read_text())
    with sqlite_files.fresh() as url:
        said = typed(*words, **TOKENS | SOCKET, DATABASE_URL=url, COUNTERSIGN_METRICS_LISTEN=f"127.0.0.1:{taken}")

    assert said.code == 2
    assert re.search(rf"COUNTERSIGN_METRICS_LISTEN: .*127\.0\.0\.1 port {taken}.*another program listens", said.err)


def test_up_finds_the_port_of_http_mode_in_use_before_it_makes_anything(typed: Typed, folder: Path, taken: int) -> None:
    by_http = {"SLACK_BOT_TOKEN": "xoxb-canary-1", "SLACK_SIGNING_SECRET": "canary" * 6}

    said = typed("up", **by_http, COUNTERSIGN_HTTP_LISTEN=f"127.0.0.1:{taken}")

    assert said.code == 2
    assert said.err.startswith(f"COUNTERSIGN_HTTP_LISTEN: nothing can listen at 127.0.0.1 port {taken}")
    assert below(folder) == []


def test_the_demo_finds_its_port_in_use_before_it_starts_anything(typed: Typed, taken: int) -> None:
    said = typed("demo", "--port", str(taken))

    assert said.code == 2
    assert said.err == (
        f"--port: nothing can listen at 127.0.0.1 port {taken}: another program listens there already. Set another.\n"
    )


@pytest.mark.parametrize("content", NO_TEXT)
@pytest.mark.parametrize("words", [words for words in LOOK if words not in RUN - {("up",)}], ids=shown)
def test_a_policy_of_random_bytes_is_a_sentence(
    words: Words, content: str, typed: Typed, folder: Path, sqlite_files: SqliteFiles
) -> None:
    (folder / "access.yml").write_bytes(NO_TEXT[content])
    with sqlite_files.fresh() as url:
        said = typed(*words, **TOKENS, DATABASE_URL=url, SLACK_API_URL="https://127.0.0.1:1/", COUNTERSIGN_SANDBOX="1")

    assert "\x1b" not in said.all
    assert below(folder) == ["access.yml"]
    if words[0] in ("outstanding", "audit") or words in {("restored", "--over")}:
        return  # they need no policy
    assert said.code != 0
    if words != ("drift", "--baseline"):
        assert "access.yml" in said.all


@pytest.mark.parametrize("content", NO_TEXT)
def test_a_file_of_settings_of_random_bytes_is_a_sentence(content: str, typed: Typed, folder: Path) -> None:
    (folder / "env").write_bytes(NO_TEXT[content])
    (folder / "env").chmod(0o600)

    said = typed("outstanding", "--env-file", "env")

    assert said.code == os.EX_CONFIG
    assert re.match(r"(The file env cannot be read: it is not text in UTF-8|env:1: )", said.err), said.err


@pytest.mark.parametrize("words", [*READ, ("up",)], ids=shown)
def test_a_database_of_random_bytes_is_a_sentence(words: Words, typed: Typed, folder: Path) -> None:
    (folder / "random.db").write_bytes(bytes(range(256)) * 40)
    (folder / "access.yml").write_text(Path(__file__).parents[2].joinpath("access.example.yml").read_text())

    said = typed(*words, **TOKENS, DATABASE_URL=f"sqlite:///{folder}/random.db")

    assert (said.code, said.out) == (2, "")
    assert "cannot be used: file is not a database." in said.err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/srv/x"), "/srv/x: no space left on device (OSError"),
        (PermissionError(errno.EACCES, "Permission denied"), "This failed: this account may not use it (PermissionErr"),
    ],
)
def test_what_the_system_refuses_is_said_without_its_number(
    error: OSError, said: str, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise error

    monkeypatch.setattr("countersign.cli.outstanding.report", refuse)

    told = typed("outstanding")

    assert (told.code, said in told.err) == (2, True), told.err


def test_a_directory_that_cannot_be_made_is_said_without_a_number(typed: Typed, folder: Path) -> None:
    (folder / "file").touch()

    said = typed("migrate", DATABASE_URL=f"sqlite:///{folder}/file/below/countersign.db")

    assert said.code == 2
    assert said.err.endswith("cannot be used: a part of its path is not a directory.\n"), said.err


def test_the_version_is_that_of_the_package(typed: Typed) -> None:
    assert typed("--version").out == f"countersign {installed('countersign-access')}\n"


@pytest.mark.parametrize(
    ("shell", "asked"),
    [
        ("bash", {"COMP_WORDS": "countersign dri", "COMP_CWORD": "1"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "countersign dri"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "countersign dri", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ],
)
def test_each_shell_is_told_how_a_command_goes_on(shell: str, asked: dict[str, str], typed: Typed) -> None:
    said = typed(**asked, _COUNTERSIGN_COMPLETE=f"complete_{shell}")

    assert re.search(r"\bdrift\b", said.out), said.all
    assert "digest" not in said.out


# In processes of their own


def typed_in_a_shell(line: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "--norc", "-c", line], cwd=folder, env={"PATH": path, "HOME": str(folder)} | environment,
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip


def test_the_bash_script_completes(folder: Path) -> None:
    """As README.md says, and in a shell that pressed no Tab."""
    press = 'COMP_WORDS=(countersign outst); COMP_CWORD=1; _countersign_completion countersign; echo "${COMPREPLY[@]}"'

    said = typed_in_a_shell(f'eval "$(countersign --show-completion)"; {press}', folder)

    assert said.stdout == "outstanding\n", said.stderr


def test_up_without_its_secrets_starts_nothing_and_says_what_to_do(folder: Path) -> None:
    (folder / ".env").write_text("SLACK_BOT_TOKEN='xoxb-1'\nSLACK_APP_TOKEN=xapp-1\n", encoding="utf-8")
    (folder / ".env").chmod(0o600)

    said = typed_in_a_shell("countersign up", folder)

    assert (said.returncode, said.stdout) == (os.EX_CONFIG, "")
    assert said.stderr == (
        "SLACK_BOT_TOKEN is not set. The .env here is not loaded: "
        "run `set -a; . ./.env; set +a` first, or add `--env-file .env`.\n"
    )
    assert below(folder) == [".env"]
