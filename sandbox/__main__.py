"""`python -m sandbox`: a workspace of its own in the foreground, with its address and its tokens on the screen."""

import argparse
import asyncio
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
    async with serving(port=options.port, window_url=options.window_url) as sandbox:
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
