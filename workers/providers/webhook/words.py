"""An endpoint's words, as a person may be shown them."""

_LONGEST = 300


def plain(words: str) -> str:
    """One line, bounded, and nothing in it that marks up, calls anyone or can be pressed."""
    kept = "".join(letter if letter.isprintable() and letter not in "<>&`*~@|\\" else " " for letter in words)
    line = " ".join(kept.replace("://", ": ").split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
