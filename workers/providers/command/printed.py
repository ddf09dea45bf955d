"""What is run, as a person could type it: the same program with the same question."""

import re
import shlex
from collections.abc import Sequence

from workers.providers.command.running import PATH
from workers.providers.command.settings import PLACEHOLDERS, Settings
from workers.providers.exchange.schema import Grant, Question, Verb


def as_typed(settings: Settings, verb: Verb, grant: Grant) -> str:
    """One line for a shell. It bears no secret: that the program needs one is said behind it."""
    question = Question(verb=verb, grant=grant).as_json()
    environment = [f'{name}="${name}"' for name in sorted(settings.environment)]
    run = shlex.join([settings.program, *settings.arguments])
    line = f"printf %s {shlex.quote(question)} | env -i {' '.join([f'PATH={PATH}', *environment, run])}"
    if not settings.secrets:
        return line
    return f'{line}  # add "secrets" to the question: {", ".join(sorted(settings.secrets))}'


def by_hand(settings: Settings, grant: Grant) -> Sequence[str]:
    """The same without the program."""
    words = {"name": [grant.name], "principal": [grant.principal], "grants": grant.grants}
    quoted = {word: shlex.join(words[word]) for word in PLACEHOLDERS}
    return [re.sub(r"\{(\w+)\}", lambda found: quoted[found[1]], line) for line in settings.by_hand]
