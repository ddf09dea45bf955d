"""`/access` and its words. To add one: a file in `bot/verbs`, a line in the table, a test."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access.errors import InvalidInput
from access.ids import SlackUser
from access.nearest import nearest
from access.words import from_slack, mentioned, mentions
from bot.identity import Who
from bot.invocation import Invocation
from bot.refusals import ephemeral, refusals
from bot.reply import Reply
from bot.slack_context import SlackContext
from bot.verbs import ask, cancel, done, extend, mine, revoke, who, why
from bot.views.blocks import Rendered
from bot.views.help import help_message


@dataclass(frozen=True)
class Command:
    """How it is written after `/access`, what it does, and the function that does it."""

    usage: str
    meaning: str
    run: Callable[[Invocation], Awaitable[Rendered | None]]

    @property
    def word(self) -> str:
        return self.usage.partition(" ")[0]


async def help_(_: Invocation) -> Rendered:
    return help_message((command.usage, command.meaning) for command in COMMANDS)


COMMANDS = (
    Command("", "opens the form.", ask.form),
    Command(ask.USAGE, "asks without the form.", ask.line),
    Command("mine", "shows what you hold and what you wait for.", mine.command),
    Command("extend <id>", "asks for more time for what is open.", extend.command),
    Command("done <id>", "gives your access back before its end.", done.command),
    Command("cancel <id>", "takes back a request that is not decided yet.", cancel.command),
    Command("why <id>", "shows how a request was decided, or who is asked and why the others are not.", why.command),
    Command(
        "revoke <id>",
        "ends a person's access and asks why; the person's name will do too. For the security team.",
        revoke.command,
    ),
    Command("who", "shows who is in now, until when and why. For the security team.", who.command),
    Command("help", "shows this.", help_),
)
_BY_WORD = {command.word: command for command in COMMANDS}


async def access_command(ack: AsyncAck, body: dict[str, Any], respond: Reply, slack: SlackContext, who: Who) -> None:
    async with slack.acknowledged(ack), refusals(ephemeral(respond)):
        typed = str(body.get("text") or "")
        policy = await slack.policy()
        command, words = read(from_slack(typed), bundles=[bundle.id for bundle in policy.bundles])
        whom = mentioned(typed)
        message = await command.run(
            Invocation(
                slack=slack,
                who=who,
                words=words,
                trigger_id=str(body["trigger_id"]),
                mentions={name: SlackUser(account) for name, account in mentions(typed).items()},
                mentioned=SlackUser(whom) if whom else None,
            )
        )
        if message is not None:
            await respond(message)


def read(text: str, bundles: Collection[str] = ()) -> tuple[Command, str]:
    """The command, and the words it is about; what is like none, or a bundle, is meant as something to ask for.

    Raises InvalidInput that names the nearest one.
    """
    first, *rest = text.split(maxsplit=1) or [""]
    word = first.casefold()
    if "/" in first:
        return _BY_WORD[ask.USAGE.partition(" ")[0]], text.strip()
    if word in _BY_WORD:
        return _BY_WORD[word], "".join(rest).strip()
    if word in bundles:
        return _BY_WORD[ask.USAGE.partition(" ")[0]], text.strip()
    meant = nearest(word, [known for known in _BY_WORD if known and "/" not in known])
    if meant is None:
        return _BY_WORD[ask.USAGE.partition(" ")[0]], text.strip()
    sentence = f"There is no command “{first[:40]}”. Did you mean /access {meant}? /access help shows every command."
    raise InvalidInput("entitlement", sentence)
