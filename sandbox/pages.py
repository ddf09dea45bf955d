"""Cursors: the Web API's lists, page by page."""

from typing import Any

from sandbox.errors import SlackError


def page_of(ids: list[str], arguments: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
    """The ids from the `cursor` on, at most `limit` of them, and `response_metadata` with the next cursor."""
    most = int(asked) if (asked := str(arguments.get("limit") or 100)).isdigit() else 0
    cursor = str(arguments.get("cursor") or "")
    if not 1 <= most <= 1000:
        raise SlackError("invalid_limit")
    if cursor and cursor not in ids:
        raise SlackError("invalid_cursor")
    start = ids.index(cursor) if cursor else 0
    following = ids[start + most : start + most + 1]
    return ids[start : start + most], {"next_cursor": following[0] if following else ""}
