"""`python -m tools.check_against_slack`: asks Slack itself whether it takes every golden payload; needs the internet.

Slack's method blocks.validate needs no token and no workspace. `--url` asks another server, such as a sandbox.
"""

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tools.golden import SNAPSHOTS, payloads

SLACK = "https://slack.com/api/blocks.validate"
PATIENCE_SECONDS = 30
TRIES = 5


def main(arguments: list[str] | None = None) -> int:
    """0 when every payload is taken, 1 when one is refused, 2 when the server cannot be asked."""
    parser = argparse.ArgumentParser(prog="python -m tools.check_against_slack", description=__doc__)
    parser.add_argument("--url", default=SLACK, help="the method's address (default: %(default)s)")
    parser.add_argument("--folder", type=Path, default=SNAPSHOTS, help="where the payloads are")
    options = parser.parse_args(arguments)
    golden = payloads(options.folder)
    refused = 0
    try:
        for name, payload in golden.items():
            for said in problems(options.url, payload):
                refused += 1
                sys.stdout.write(f"{name}: {said}\n")
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{options.url} cannot be asked: {error}\n")
        return 2
    sys.stdout.write(f"{len(golden)} payloads, {refused} refusals by {urlsplit(options.url).netloc}\n")
    return 1 if refused else 0


def problems(url: str, payload: dict[str, Any]) -> list[str]:
    """What the server says against one payload, a sentence each with the place as a JSON pointer."""
    asked = {"view": payload} if "type" in payload else {"message": payload}
    answer = _post(url, asked)
    if answer.get("ok"):
        return []
    found = [f"{each.get('message')} at {each.get('pointer')}" for each in answer.get("errors", [])]
    return found or [str(answer.get("error", answer))]


def _post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("an address begins with http:// or https://")
    headers = {"Content-Type": "application/json; charset=utf-8"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - checked above
    for _ in range(TRIES):
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - checked above
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != 429:
                raise
            time.sleep(int(error.headers.get("Retry-After", "1")))
    raise OSError("it answers 429 again and again")


if __name__ == "__main__":
    sys.exit(main())
