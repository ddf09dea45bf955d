"""Writes the tables of providers and promises into the documentation: `python -m docs.providers_table`."""

from pathlib import Path

from countersign.conformance.record import read
from countersign.conformance.tables import matrix, overview, replaced

ROOT = Path(__file__).parent.parent
README, INDEX = ROOT / "README.md", ROOT / "docs" / "providers" / "README.md"


def pages() -> dict[Path, str]:
    """Each page as it should be."""
    suites = read()
    readme, index = (page.read_text(encoding="utf-8") for page in (README, INDEX))
    return {
        README: replaced(readme, "providers", overview(suites)),
        INDEX: replaced(replaced(index, "providers", overview(suites)), "promises", matrix(suites)),
    }


def main() -> None:
    for page, text in pages().items():
        page.write_text(text, encoding="utf-8")
        print(page.relative_to(ROOT))


if __name__ == "__main__":
    main()
