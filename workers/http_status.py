"""Asks one address by HTTP for what it answers with: pages, and the sign of life."""

import asyncio
import logging
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from access.ports import Deadline

if TYPE_CHECKING:
    import httpx


class Unanswered(OSError):
    """Its words are the type of what went wrong, and never the address, which is a secret."""


def http_status(
    method: Literal["GET", "POST"],
    url: str,
    deadline: Deadline,
    *,
    body: Mapping[str, str | None] | None = None,
    by_proxy: bool = False,
) -> int:
    """The status of the answer, whose words are not read; redirects are not followed. Raises Unanswered.

    `by_proxy`: by those of the environment, where it names any.
    """
    import httpx  # noqa: PLC0415 -- most processes never ask, and it is large

    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)  # below that they log the address
    try:
        return asyncio.run(_ask(httpx.Request(method, url, json=body), deadline, by_proxy=by_proxy))
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise Unanswered(type(error).__name__) from None


async def _ask(request: "httpx.Request", deadline: Deadline, *, by_proxy: bool) -> int:
    import httpx  # noqa: PLC0415 -- as above

    request.headers["User-Agent"] = "Countersign"
    trusted = ssl.create_default_context()  # the host's own certificates, not those of a package
    # A time-out of the client counts anew with every byte; one who answers one now and then would keep us for ever.
    async with (
        asyncio.timeout(deadline.left()),
        httpx.AsyncClient(verify=trusted, timeout=None, trust_env=by_proxy) as client,  # noqa: S113 -- as said
    ):
        answer = await client.send(request, stream=True, follow_redirects=False)
        await answer.aclose()
        return answer.status_code
