"""Makes a picture of a screen small: at most 256 colours, packed as tightly as zlib can; and labels it."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_COLOURS = 256
Row = list[bytes]
"""The colours of one line of the picture, three bytes each."""


def shrunk(png: bytes, **labels: str) -> bytes:
    """The picture with a palette, and `labels` beside it. Takes 8-bit RGB or RGBA without transparency."""
    width, height, rows = _read(png)
    palette, number = _palette(Counter(colour for row in rows for colour in row))
    lines = b"".join(b"\0" + bytes(number[colour] for colour in row) for row in rows)
    return b"".join(
        [
            _SIGNATURE,
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            *_texts(labels),
            _chunk(b"PLTE", b"".join(palette)),
            _chunk(b"IDAT", zlib.compress(lines, 9)),
            _chunk(b"IEND", b""),
        ]
    )


def labelled(png: bytes, **labels: str) -> bytes:
    """The same picture in all its colours, with `labels` beside it."""
    head, *rest = (_chunk(kind, data) for kind, data in _chunks(png))
    return b"".join([_SIGNATURE, head, *_texts(labels), *rest])


def label(png: bytes, key: str) -> str:
    """What was written beside the picture; "" when there is nothing of this name."""
    texts = [data.decode("latin-1").split("\0", 1) for kind, data in _chunks(png) if kind == b"tEXt"]
    return next((value for name, value in texts if name == key), "")


def _palette(colours: Counter[bytes]) -> tuple[list[bytes], dict[bytes, int]]:
    """The commonest colours, and which of them stands for each: the rare ones are shades on the edge of a letter."""
    ordered = [colour for colour, _ in colours.most_common()]
    palette = ordered[:_MOST_COLOURS]
    number = {colour: index for index, colour in enumerate(palette)}
    for rare in ordered[_MOST_COLOURS:]:
        number[rare] = min(range(len(palette)), key=lambda index: _distance(palette[index], rare))
    return palette, number


def _distance(one: bytes, other: bytes) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _read(png: bytes) -> tuple[int, int, list[Row]]:
    chunks = list(_chunks(png))
    width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", chunks[0][1])
    if depth != 8 or colour not in (2, 6):
        raise ValueError("only 8-bit RGB and RGBA are read")
    size = 3 if colour == 2 else 4
    raw = zlib.decompress(b"".join(data for kind, data in chunks if kind == b"IDAT"))
    above, rows = bytearray(width * size), list[Row]()
    for start in range(0, len(raw), width * size + 1):
        above = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + width * size]), above, size)
        line = bytes(above)
        rows.append([line[at : at + 3] for at in range(0, len(line), size)])
    return width, height, rows


def _unfiltered(kind: int, line: bytearray, above: bytearray, size: int) -> bytearray:
    """One line as it was before it was filtered, by the PNG specification, §9."""
    if kind == 0:
        return line
    if kind == 2:
        return bytearray((each + up) & 255 for each, up in zip(line, above, strict=True))
    for at in range(len(line)):
        left, corner = (line[at - size], above[at - size]) if at >= size else (0, 0)
        guess = _paeth(left, above[at], corner) if kind == 4 else (left + above[at]) // 2 if kind == 3 else left
        line[at] = (line[at] + guess) & 255
    return line


def _paeth(left: int, up: int, corner: int) -> int:
    to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    if to_left <= to_up and to_left <= to_corner:
        return left
    return up if to_up <= to_corner else corner


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12


def _texts(labels: dict[str, str]) -> list[bytes]:
    return [_chunk(b"tEXt", f"{key}\0{value}".encode("latin-1")) for key, value in labels.items()]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
