"""`python -m sandbox`: a workspace of its own in the foreground, with its address and its tokens on the screen.

Tokens are made up at every start unless SLACK_BOT_TOKEN and SLACK_APP_TOKEN give them.
"""

import argparse
import asyncio
import os
import sys

from sandbox.server import serving


def main() -> None:
    """Reads the command line and serves until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--window-url", default="", help="a page to show on the right-hand side")
    try:
        asyncio.run(_serve(parser.parse_args()))
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")


async def _serve(options: argparse.Namespace) -> None:
    bot_token, app_token = os.environ.get("SLACK_BOT_TOKEN", ""), os.environ.get("SLACK_APP_TOKEN", "")
    async with serving(
        port=options.port, window_url=options.window_url, bot_token=bot_token, app_token=app_token
    ) as sandbox:
        sys.stdout.write(
            f"{sandbox.page_url}\n"
            f"SLACK_API_URL={sandbox.api_url}\n"
            f"SLACK_BOT_TOKEN={sandbox.bot_token}\n"
            f"SLACK_APP_TOKEN={sandbox.app_token}\n"
        )
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    main()
