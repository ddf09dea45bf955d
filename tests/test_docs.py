"""The documentation hangs together: every page is found from its index, and every link leads somewhere."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from sqlmodel import SQLModel

import access
from access.models import AlertKind, CheckKind, EndedBy, GrantStatus, RequestStatus

ROOT = Path(access.__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
FOLDERS = ("access", "bench", "bot", "countersign", "docs", "examples", "sandbox", "tests", "tools", "workers")
TEST = re.compile(r"def (test_\w+)")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """The file and the place in it, of each link to one of ours."""
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target or target.startswith("mailto:"):
            continue
        file, _, place = target.partition("#")
        yield (page.parent / file).resolve() if file else page, place


def places(page: Path) -> set[str]:
    """As the place of a heading is written in an address."""
    found = set[str]()
    for heading in re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        kept = [letter for letter in words if letter in " -_" or unicodedata.category(letter)[0] in "LN"]
        found.add("".join(kept).replace(" ", "-"))
    return found


def test_every_link_leads_somewhere() -> None:
    lost = list[str]()
    for page in PAGES:
        for file, place in links(page):
            if not file.exists() or (place and file.suffix == ".md" and place not in places(file)):
                lost.append(f"{page.relative_to(ROOT)}: {file.name}#{place}")

    assert lost == []


def test_every_page_is_in_the_index() -> None:
    linked = {file for file, _ in links(DOCS / "README.md")}

    assert sorted(page.name for page in DOCS.glob("*.md") if page.name != "README.md" and page not in linked) == []


def test_every_decision_is_in_their_index_by_its_title() -> None:
    index = (DOCS / "adr" / "README.md").read_text(encoding="utf-8")
    titles = {page.name: page.read_text(encoding="utf-8").partition("\n")[0] for page in DOCS.glob("adr/0*.md")}
    lines = {name: f"- {title.removeprefix('# ').replace('. ', '. [', 1)}]({name})" for name, title in titles.items()}

    assert [name for name, line in lines.items() if line not in index.splitlines()] == []


def test_the_readme_leads_to_the_index() -> None:
    assert DOCS / "README.md" in {file for file, _ in links(ROOT / "README.md")}


def test_every_kind_state_and_table_is_in_the_glossary() -> None:
    """Who reads a log, a page or the database finds there what the word means."""
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    known = set(re.findall(r"\*\*([^*]+)\*\*|`([^`]+)`", text))
    words = {word for pair in known for word in pair}
    kinds = {str(kind) for kinds in (AlertKind, EndedBy, GrantStatus, CheckKind, RequestStatus) for kind in kinds}
    tables = set(SQLModel.metadata.tables)

    assert len(kinds) > 30
    assert len(tables) > 10
    assert sorted((kinds | tables) - words) == []


def test_every_file_and_test_that_a_page_names_is_there() -> None:
    named = [
        (page, word)
        for page in PAGES if page.name != "CHANGELOG.md"
        for word in re.findall(r"`([\w./-]+\.py|test_\w+|(?:access|bot|workers|countersign|tests)/[\w./-]*)`",
                               page.read_text(encoding="utf-8"))
    ]  # fmt: skip
    files = [file.relative_to(ROOT).as_posix() for folder in FOLDERS for file in (ROOT / folder).rglob("*")]
    tests = {name for file in (ROOT / "tests").rglob("test_*.py") for name in TEST.findall(file.read_text("utf-8"))}

    def exists(word: str) -> bool:
        place = word.rstrip("/")
        return word in tests or place in FOLDERS or any(file == place or file.endswith(f"/{place}") for file in files)

    assert len(named) > 100
    assert [f"{page.relative_to(ROOT)}: {word}" for page, word in named if not exists(word)] == []
