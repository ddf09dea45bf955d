"""`countersign policy lint` on the terminal: right counts, a level that is said once, no number of an error."""

from pathlib import Path

import pytest

from access.errors import PolicyError
from access.policy_source import PolicySource, read_policy
from countersign.cli.policy_lint import lint_file
from countersign.init.texts import policy_text
from countersign.providers import ProviderClasses
from tests.countersign.test_init import ANSWERS


def written(directory: Path, **other: str) -> Path:
    file = directory / "access.yml"
    file.write_text(policy_text(ANSWERS | {"address": ""} | other), encoding="utf-8")
    return file


def test_one_of_a_thing_is_not_several(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path)

    assert lint_file(file) == 0

    assert f"{file} can be used: 5 people, 1 rule, 1 resource with 1 role; sha256 " in capsys.readouterr().out


def test_a_warning_is_called_one_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, approvers="lea=U0LEA")

    assert lint_file(file) == 0

    warnings = [line for line in capsys.readouterr().out.splitlines() if "warning:" in line]
    assert warnings
    assert all(line.startswith(f"warning: {file}:") and line.count("warning:") == 1 for line in warnings)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, r"there is no such file\. Run `countersign init` to write one, or set COUNTERSIGN_POLICY to yours\."),
        (b"\xff\xfe", r"the file cannot be read: it is not text in UTF-8\."),
    ],
)
def test_a_policy_that_cannot_be_read_says_why_and_what_to_do(tmp_path: Path, content: bytes | None, why: str) -> None:
    file = tmp_path / "access.yml"
    if content is not None:
        file.write_bytes(content)

    for use in (lambda: lint_file(file), lambda: read_policy(file), PolicySource(file, ProviderClasses()).current):
        with pytest.raises(PolicyError, match=f"{file}: {why}"):
            use()


def test_a_policy_that_is_a_directory_says_so(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"the file cannot be read: it is a directory\."):
        PolicySource(tmp_path, ProviderClasses()).current()
