"""What is missing on the worker's host, and what is too much; then what the program says of itself."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from access.errors import BadConfig, ProviderError, Unsupported
from access.ports import Deadline, Finding, SecretReference
from workers.providers.command import program
from workers.providers.command.asking import Asking
from workers.providers.command.running import account_of
from workers.providers.command.settings import Settings
from workers.providers.exchange import schema


def check(
    settings: Settings, asking: Asking, roles: Mapping[str, tuple[str, ...]], deadline: Deadline
) -> list[Finding]:
    found = [*_account(settings), *_program(settings), *_secrets(settings)]
    if any(one.level == "error" for one in found):
        return found
    return [*found, *_by_itself(asking, roles, deadline)]


def _account(settings: Settings) -> Iterator[Finding]:
    try:
        account = account_of(settings.user)
    except BadConfig as error:
        yield Finding(level="error", subject="account", sentence=error.sentence, cure="Correct `user` in the policy.")
        return
    if account.uid == 0:
        yield Finding(
            level="warning", subject="account", sentence="The program runs as root.",
            cure="If it needs less, give it an account of its own and name that in `user`.",
        )  # fmt: skip
    else:
        yield Finding(level="ok", subject="account", sentence=f"The program runs as {account.name}.")


def _program(settings: Settings) -> Iterator[Finding]:
    doubts = [program.doubt(settings.program), program.doubt_beside(settings.program, settings.arguments)]
    for doubt in doubts:
        if doubt is not None:
            yield Finding(level="error", subject="program", sentence=doubt, cure="Until then nothing is granted.")
    if not any(doubts):
        yield Finding(level="ok", subject="program", sentence="Only root, or the worker's account, can change it.")


def _secrets(settings: Settings) -> Iterator[Finding]:
    for name, reference in sorted({**settings.environment, **settings.secrets}.items()):
        try:
            reference.read()
        except BadConfig as error:
            cure = f"Give it to the worker, or correct where the settings look for {name}."
            yield Finding(level="error", subject=name, sentence=error.sentence, cure=cure)
            continue
        file = _file(reference)
        if file is not None and stat.S_IMODE(Path(file).stat().st_mode) & 0o077:
            yield Finding(
                level="error", subject=name, sentence=f"Others can read the secret file {file}.",
                cure=f"Run chmod 600 {file}, and change the secret: it may have been read.",
            )  # fmt: skip


def _file(reference: SecretReference) -> str | None:
    return reference.file or os.environ.get(f"{reference.env}_FILE")


def _by_itself(asking: Asking, roles: Mapping[str, tuple[str, ...]], deadline: Deadline) -> Iterator[Finding]:
    question = schema.Question(verb="check", roles=dict(roles))
    try:
        said = asking.ask(question, schema.Checked, deadline)
    except Unsupported:
        yield Finding(
            level="warning", subject="program", sentence="The program cannot check itself.",
            cure="Teach it the verb `check`: see docs/providers/command.md.",
        )  # fmt: skip
    except ProviderError as error:
        cure = "Ask the program by hand: see docs/providers/command.md."
        yield Finding(level="error", subject="program", sentence=error.sentence, cure=cure)
    else:
        for one in said.findings:
            yield Finding(level=one.level, subject=one.subject, sentence=one.sentence, cure=one.cure)
