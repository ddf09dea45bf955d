"""Every process of the product as in production, people in the sandbox, and the demo's shop as the target."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from sqlmodel import func, select

from access.models import Heartbeat
from access.store import Database
from bench.policy import Crowd, policy
from bench.servers import Kind, Servers, of_one_host, wait_for
from bench.servers import running as processes
from countersign.demo import target
from countersign.demo.target import Target
from sandbox.person import Workspace
from sandbox.server import running

_SECRET = "SHOP_DSN"


@dataclass(frozen=True)
class Product:
    """All of it lives, and the bot is connected."""

    workspace: Workspace
    shop: Target


@contextmanager
def alive(
    servers: Servers, kind: Kind, crowd: Crowd, *, tellers: int = 1, strict_rates: bool = False
) -> Generator[Product]:
    """`tellers`: workers that tell. `strict_rates`: the sandbox takes no more than Slack's own limits say."""
    shop = target.prepare(servers.postgres)
    settings = {"dsn": {"env": _SECRET}, "database": target.DATABASE}
    text = policy(crowd, provider="postgres", settings=settings, role={"grants": [target.READ]})
    with ExitStack() as stack:
        store = stack.enter_context(servers.store(kind))
        sandbox = stack.enter_context(running(crowd.cast(), strict_rates=strict_rates))
        environment = servers.environment(
            store=store, policy=text, COUNTERSIGN_SANDBOX="1",
            SLACK_API_URL=sandbox.api_url, SLACK_BOT_TOKEN=sandbox.bot_token, SLACK_APP_TOKEN=sandbox.app_token,
            **{_SECRET: shop.bot_dsn},
        )  # fmt: skip
        children = of_one_host(environment)
        (tell,) = [child for child in children if child.name == "tell"]
        children += [replace(tell, name=f"tell-{number}") for number in range(1, tellers)]
        workspace, database = sandbox.workspace(), Database(store)
        stack.callback(database.close)
        stack.enter_context(processes(children))
        wait_for(workspace.connections, "the bot to connect")
        wait_for(lambda: _living(database) >= len(children), "a sign of life of every process", every=0.1)
        yield Product(workspace, shop)


def _living(database: Database) -> int:
    with database.read() as session:
        return session.exec(select(func.count()).select_from(Heartbeat)).one()
