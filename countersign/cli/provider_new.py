"""`countersign provider new`: a provider of one's own to begin with, and the tests that hold it to the contract."""

import re
import tempfile
from collections.abc import Mapping
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path

from access.errors import Unready
from countersign.providers import ProviderClasses

_NAME = re.compile(r"[a-z](-?[a-z0-9]){0,39}")


def new_provider(name: str, directory: Path) -> Path:
    """The folder that was written, whole or not at all. Raises Unready where the name cannot be used or is taken."""
    written = _filled(name, _files(resources.files("countersign") / "provider_template"))
    folder = directory / f"countersign-{name}"
    if folder.exists() or folder.is_symlink():
        raise _refused(f"{folder} is there already. Choose another name or directory.")
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".countersign-", dir=directory) as draft:
        made = Path(draft) / folder.name
        for file, text in written.items():
            (made / file).parent.mkdir(parents=True, exist_ok=True)
            (made / file).write_text(text, encoding="utf-8")
        made.rename(folder)
    return folder


def _filled(name: str, template: Mapping[str, str]) -> dict[str, str]:
    """The template under this name. Raises Unready."""
    if not _NAME.fullmatch(name):
        raise _refused(
            f"{name!r} cannot be the name of a provider: use small letters, digits and single hyphens, begin with a "
            "letter, and take at most 40 of them."
        )
    classes = ProviderClasses()
    if name in classes or _is_installed(f"countersign-{name}"):
        raise _refused(
            f"A provider {name}, or a package countersign-{name}, is installed already. Choose another name."
        )
    title, module = "".join(part.capitalize() for part in name.split("-")), name.replace("-", "_")
    others = "".join(template.values()).replace("Acme", "")
    if title.startswith("Test") or re.search(rf"\b{title}\b", others):
        raise _refused(
            f"{name} would make a class {title}, which is another thing in those files. Choose another name."
        )
    words = {"countersign_acme": f"countersign_{module}", "Acme": title, "acme": name}
    either = re.compile("|".join(words))

    def renamed(text: str) -> str:
        return either.sub(lambda found: words[found[0]], text)

    return {renamed(file.replace("test_acme", f"test_{module}")): renamed(text) for file, text in template.items()}


def _is_installed(distribution: str) -> bool:
    """One of the same name would be replaced by it; `access` would replace Countersign."""
    return any(True for _ in metadata.Distribution.discover(name=distribution))


def _refused(sentence: str) -> Unready:
    return Unready(f"{sentence} Nothing was written.")


def _files(folder: Traversable, under: str = "") -> dict[str, str]:
    """By the path that each has when it is written."""
    found = dict[str, str]()
    for entry in folder.iterdir():
        if entry.is_dir():
            found |= _files(entry, f"{under}{entry.name}/")
        elif entry.name.endswith(".txt"):
            found[under + entry.name.removesuffix(".txt")] = entry.read_text(encoding="utf-8")
    return found
