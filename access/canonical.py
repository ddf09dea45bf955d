"""One text for one meaning: canonical JSON, for fingerprints and for the audit chain."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

# Kept: `json.dumps` would make one for each text.
_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
_SIMPLE = frozenset({type(None), str, bool, int})


def canonical(value: Any) -> str:
    """Sorted keys, no spaces, times as RFC 3339 UTC microseconds, durations as whole microseconds.

    Raises TypeError for floats and for anything else that has more than one spelling.
    """
    text = _ENCODE(_plain(value))
    try:
        text.encode()
    except UnicodeEncodeError:
        raise TypeError("half of a surrogate pair has no canonical form") from None
    return text


def _plain(value: Any) -> Any:
    if type(value) in _SIMPLE or isinstance(value, str | int):
        return value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError(f"a naive time has no canonical form: {value!r}")
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    if isinstance(value, dict):
        return {
            _key(key): inner if type(inner) in _SIMPLE else _plain(inner)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] -- any dict
            for key, inner in value.items()  # pyright: ignore[reportUnknownVariableType] -- any dict
        }
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]  # pyright: ignore[reportUnknownVariableType] -- any list
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a key must be text, not {type(key).__name__}")
    return key
