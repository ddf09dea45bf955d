"""The documentation hangs together: every page is found from its index, and every link leads somewhere."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import access

ROOT = Path(access.__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
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
