"""`python -m sandbox`: a workspace of its own in the foreground, with its address and its tokens on the screen.

Tokens are made up at every start unless SLACK_BOT_TOKEN, SLACK_APP_TOKEN and SLACK_SIGNING_SECRET give them.
"""

import argparse
import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

from sandbox.cast import DEFAULT
from sandbox.manifest import app_of
from sandbox.server import serving


def main() -> None:
    """Reads the command line and serves until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--window-url", default="", help="a page to show on the right-hand side")
    parser.add_argument("--manifest", type=Path, help="the app's manifest: its scopes, commands, tabs and events")
    parser.add_argument("--request-url", default="", help="push everything there, signed, instead of Socket Mode")
    parser.add_argument("--strict-rates", action="store_true", help="allow no larger bursts than Slack's tiers say")
    try:
        asyncio.run(_serve(parser.parse_args()))
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")


async def _serve(options: argparse.Namespace) -> None:
    cast = replace(DEFAULT, app=app_of(options.manifest)) if options.manifest else DEFAULT
    async with serving(
        cast,
        port=options.port,
        window_url=options.window_url,
        bot_token=os.environ.get("SLACK_BOT_TOKEN", ""),
        app_token=os.environ.get("SLACK_APP_TOKEN", ""),
        signing_secret=os.environ.get("SLACK_SIGNING_SECRET", ""),
        request_url=options.request_url,
        strict_rates=options.strict_rates,
    ) as sandbox:
        sys.stdout.write(
            f"{sandbox.page_url}\n"
            f"SLACK_API_URL={sandbox.api_url}\n"
            f"SLACK_BOT_TOKEN={sandbox.bot_token}\n"
            f"SLACK_APP_TOKEN={sandbox.app_token}\n"
            f"SLACK_SIGNING_SECRET={sandbox.signing_secret}\n"
        )
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    main()
