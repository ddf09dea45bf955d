"""The page with everything that people see in Slack: nothing is left out, and no picture is of something older."""

import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from docs import pictures
from docs.gallery import FOLDER, IMAGE, PAGE, fallback, fingerprint, moment, taken_of
from docs.png import label, labelled, shrunk
from tools.golden import payloads

GOLDEN = payloads()
SHOWN = [(found[2], found[1]) for found in IMAGE.finditer(PAGE.read_text(encoding="utf-8"))]
MOST_BYTES = 6_000_000
AHEAD = re.compile(
    r"(\b(until|ends?|lapses|opens|from|instead of|now|reminded|too|narrowed to|an end) |\*New end\*\n)$", re.IGNORECASE
)
"""What stands before a time that may still lie ahead."""


def test_everything_that_can_be_shown_is_on_the_page_once() -> None:
    assert Counter(name for name, _ in SHOWN) == Counter(list(GOLDEN))


def test_every_picture_belongs_to_a_golden_file() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == set(GOLDEN)


def test_no_picture_is_of_something_older() -> None:
    older = [name for name, shown in GOLDEN.items() if taken_of(FOLDER / f"{name}.png") != fingerprint(name, shown)]
    assert older == [], f"take them again: python -m docs.gallery {' '.join(older)}"


def test_every_other_picture_stands_on_a_page() -> None:
    root = pictures.PICTURES.parents[1]
    pages = [root / "README.md", *(root / "docs").glob("*.md")]
    named = {name for page in pages for name in re.findall(r"pictures/([\w-]+)\.png", page.read_text(encoding="utf-8"))}
    assert {file.stem for file in pictures.PICTURES.glob("*.png")} == named == set(pictures.SHOWN)


def test_no_other_picture_is_of_an_older_state() -> None:
    older = [
        name for name in pictures.SHOWN if taken_of(pictures.PICTURES / f"{name}.png") != pictures.fingerprint(name)
    ]
    assert older == [], "take them again: python -m docs.pictures"


def test_nothing_in_a_picture_has_happened_before_its_time() -> None:
    shown = [(name, *time) for name, view in GOLDEN.items() for time in times(view)]
    ahead = [(name, words) for name, seconds, words in shown if seconds > moment(name).timestamp()]

    assert ahead, "this test can see one"
    assert [(name, words) for name, words in ahead if not AHEAD.search(words)] == []


def test_beside_a_picture_stands_what_a_screen_reader_says() -> None:
    assert dict(SHOWN) == {name: fallback(GOLDEN[name]) for name, _ in SHOWN}


def test_the_pictures_stay_small() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < MOST_BYTES


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize("size", [3, 4])
def test_a_smaller_picture_shows_the_same(kind: int, size: int) -> None:
    lines = [bytes((at * 7 + row * row * 13 + at // size) % 251 for at in range(9 * size)) for row in range(6)]
    colours = [[line[at : at + 3] for at in range(0, len(line), size)] for line in lines]

    smaller = shrunk(a_png(lines, kind, size), Golden="of these colours")

    assert label(smaller, "Golden") == "of these colours"
    assert colours_of(smaller) == colours


def test_a_label_changes_no_picture() -> None:
    picture = a_png([bytes(range(9 * row, 9 * row + 9)) for row in range(5)], 1, 3)
    told = labelled(picture, Golden="of this state")
    assert label(told, "Golden") == "of this state"
    assert shrunk(told) == shrunk(picture)


def test_the_rarest_of_too_many_colours_become_the_nearest() -> None:
    lines = [bytes(value for at in range(20) for value in (at * 6, row * 6, 0)) for row in range(20)]
    shown = colours_of(shrunk(a_png(lines, 0, 3)))
    kept = {colour for row in shown for colour in row}
    assert len(kept) == 256
    for line, row in zip(lines, shown, strict=True):
        for at, colour in enumerate(row):
            wanted = line[at * 3 : at * 3 + 3]
            assert far(wanted, colour) == min(far(wanted, one) for one in kept)


def times(node: Any, before: str = "") -> Iterator[tuple[int, str]]:
    """Every time that is shown, and the words before it."""
    if isinstance(node, str):
        for found in re.finditer(r"<!date\^(\d+)\^", node):
            yield int(found[1]), node[: found.start()]
    elif isinstance(node, list):
        words = ""
        for child in node:
            yield from times(child, words)
            words = str(child.get("text", "")) if isinstance(child, dict) else ""
    elif isinstance(node, dict):
        if node.get("type") == "date":
            yield int(node["timestamp"]), before
        for child in node.values():
            yield from times(child)


def far(one: bytes, other: bytes) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def a_png(lines: list[bytes], kind: int, size: int) -> bytes:
    """RGB or RGBA, every line filtered in one of the five ways of the PNG specification."""
    filtered, above = b"", bytes(len(lines[0]))
    for line in lines:
        filtered += bytes([kind]) + bytes(
            (line[at] - guess(kind, line, above, at, size)) & 255 for at in range(len(line))
        )
        above = line
    header = struct.pack(">IIBBBBB", len(lines[0]) // size, len(lines), 8, 2 if size == 3 else 6, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(filtered)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + bytes(4) for name, data in parts
    )


def guess(kind: int, line: bytes, above: bytes, at: int, size: int) -> int:
    left, up, corner = (line[at - size], above[at], above[at - size]) if at >= size else (0, above[at], 0)
    nearest = min((left, up, corner), key=lambda one: abs(left + up - corner - one))
    return (0, left, up, (left + up) // 2, nearest)[kind]


def colours_of(png: bytes) -> list[list[bytes]]:
    chunks, at = {}, 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        chunks[png[at + 4 : at + 8]] = png[at + 8 : at + 8 + length]
        at += length + 12
    (width,) = struct.unpack_from(">I", chunks[b"IHDR"])
    palette, raw = chunks[b"PLTE"], zlib.decompress(chunks[b"IDAT"])
    lines = [raw[start + 1 : start + 1 + width] for start in range(0, len(raw), width + 1)]
    return [[palette[index * 3 : index * 3 + 3] for index in line] for line in lines]
