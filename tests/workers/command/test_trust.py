"""Who could replace the program: asked before each call. What opened access still ends it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from access.errors import BadConfig
from tests.workers.command.programs import AS_ROOT, GRANTED, Shelf, make_spec, soon
from workers.providers.command import Command

_EVE = 61003
_NOTES = """printf '%s\\n' "$0" >> {folder}/ran"""


def _open_to_others(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o002)


def _open_to_its_group(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o020)


def _given_away(path: Path) -> None:
    os.chown(path, _EVE, _EVE)


CHANGES: dict[str, Callable[[Path], None]] = {
    "others": _open_to_others,
    "the group": _open_to_its_group,
} | ({"another account": _given_away} if AS_ROOT else {})


@pytest.mark.parametrize("who", CHANGES)
@pytest.mark.parametrize("place", ["the program", "its folder"])
def test_a_program_that_others_could_replace_is_not_run(shelf: Shelf, place: str, who: str) -> None:
    provider = _noting(shelf)
    CHANGES[who](shelf.folder / "program" if place == "the program" else shelf.folder)

    for call in (
        lambda: provider.grant(make_spec(), soon()),
        lambda: provider.observe(make_spec(), None, soon()),
        lambda: provider.revoke(make_spec(), None, soon()),
    ):
        with pytest.raises(BadConfig, match=r"could replace .* run ch(mod go-w|own root) /"):
            call()
    assert not (shelf.folder / "ran").exists()


def test_a_link_on_the_way_is_followed_to_where_it_leads(shelf: Shelf) -> None:
    program = shelf.program(GRANTED, "real")
    (shelf.folder / "open").mkdir()
    (shelf.folder / "open").chmod(0o777)
    (shelf.folder / "open" / "again").symlink_to(program)
    (shelf.folder / "link").symlink_to("open/again")
    provider = Command(shelf.settings(GRANTED).model_copy(update={"program": str(shelf.folder / "link")}))

    with pytest.raises(BadConfig, match=r"chmod go-w .*/open"):
        provider.grant(make_spec(), soon())


def test_links_without_end_are_a_sentence(shelf: Shelf) -> None:
    (shelf.folder / "a").symlink_to("b")
    (shelf.folder / "b").symlink_to("a")
    provider = Command(shelf.settings(GRANTED).model_copy(update={"program": str(shelf.folder / "a")}))

    with pytest.raises(BadConfig, match="cannot be looked at"):
        provider.grant(make_spec(), soon())


@pytest.mark.parametrize("what", ["interpreter", "argument"])
def test_what_runs_beside_the_program_is_looked_at_too(shelf: Shelf, what: str) -> None:
    other = shelf.program(GRANTED, "other")
    _open_to_others(other)
    settings = shelf.settings(GRANTED)
    if what == "interpreter":
        (shelf.folder / "program").write_text(f"#!{other}\n")
    else:
        settings = settings.model_copy(update={"program": "/bin/sh", "arguments": (str(other),)})

    with pytest.raises(BadConfig, match=r"chmod go-w .*/other"):
        Command(settings).grant(make_spec(), soon())


def test_a_program_that_is_gone_and_one_that_is_none_are_sentences(shelf: Shelf) -> None:
    provider = shelf.provider(GRANTED)
    (shelf.folder / "program").chmod(0o644)
    with pytest.raises(BadConfig, match=r"not executable; run chmod \+x"):
        provider.grant(make_spec(), soon())
    (shelf.folder / "program").unlink()
    with pytest.raises(BadConfig, match="no program at"):
        provider.grant(make_spec(), soon())
    (shelf.folder / "program").mkdir()
    with pytest.raises(BadConfig, match="is not a file"):
        provider.grant(make_spec(), soon())


def test_what_was_opened_ends_by_the_same_program_though_others_could_replace_it_since(shelf: Shelf) -> None:
    """A copy in memory is run, so that nothing can be put in its place between the look and the start."""
    provider, spec = _noting(shelf), make_spec()
    receipt = provider.grant(spec, soon()).receipt
    _open_to_others(shelf.folder / "program")

    assert provider.revoke(spec, receipt, soon()).state == "removed"
    assert provider.observe(spec, receipt, soon()).present is False
    with pytest.raises(BadConfig):
        provider.grant(make_spec(), soon())

    assert [line.startswith("/proc/self/fd/") for line in shelf.text("ran").splitlines()] == [False, True, True]


def test_another_program_in_its_place_is_not_run_at_the_end_either(shelf: Shelf) -> None:
    provider, spec = _noting(shelf), make_spec()
    receipt = provider.grant(spec, soon()).receipt
    _open_to_others(shelf.folder / "program")
    with (shelf.folder / "program").open("a") as file:
        file.write(f"touch {shelf.folder}/planted\n")

    with pytest.raises(BadConfig, match=r"chmod go-w"):
        provider.revoke(spec, receipt, soon())
    assert not (shelf.folder / "planted").exists()


def test_a_program_that_was_updated_as_it_should_be_ends_what_the_one_before_opened(shelf: Shelf) -> None:
    provider, spec = _noting(shelf), make_spec()
    receipt = provider.grant(spec, soon()).receipt
    shelf.program("""echo '{"state": "removed"}'""")

    assert provider.revoke(spec, receipt, soon()).state == "removed"


def _noting(shelf: Shelf) -> Command:
    said = """echo '{"state": "removed"}'"""
    body = f"""{_NOTES.format(folder=shelf.folder)}; read -r asked; case $asked in
      *'"verb": "grant"'*) {GRANTED} ;;
      *'"verb": "observe"'*) echo '{{"present": false}}' ;;
      *) {said} ;;
    esac"""
    return shelf.provider(body)
