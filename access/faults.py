"""How an unexpected error is named in the log."""

import traceback
from pathlib import Path


def describe(error: BaseException) -> str:
    """Its type and place, without its own words: they may quote a secret."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + place
