"""Asks the program: whether it may be run, the question, the answer, and what becomes of everything else."""

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import SecretStr

from access.errors import BadConfig, Permanent, ProviderError
from access.ports import Deadline, SecretReference, host_time
from workers.providers.command import errors, program
from workers.providers.command.running import MOST_OUTPUT, Call, Ended, account_of, run
from workers.providers.command.settings import Settings
from workers.providers.exchange import schema

A = TypeVar("A", bound=schema.Strict)
_GOES_ON = frozenset({"observe", "revoke"})
"""What ends access: it goes on with the program that opened it, even where that could have been replaced since."""
_LEAST_SECRET = 8
"""Characters; what is shorter, such as the name of a region, may well be in an answer."""
_TOO_MUCH = f"The program of this target wrote more than {MOST_OUTPUT >> 20} MiB"


class Asking:
    """Used by several threads at once; keeps nothing between two calls, no secret either."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def digest(self) -> str:
        """Of the program as it is now; empty where it cannot be read, only run."""
        try:
            return program.digest(self._settings.program)
        except OSError:
            return ""

    def ask(self, question: schema.Question, kind: type[A], deadline: Deadline, *, opened_by: str = "") -> A:
        """`opened_by`: the digest of the program that opened what this is about. Raises ProviderError."""
        account = account_of(self._settings.user)
        copy = self._trusted(question.verb, opened_by)
        try:
            secrets, environment = _read(self._settings.secrets), _read(self._settings.environment)
            call = Call(self._settings.program, self._settings.arguments, account, environment, copy)
            ended = run(call, _written(question, secrets, deadline), deadline)
        finally:
            if copy is not None:
                os.close(copy)
        answer = _answer(question.verb, ended)
        _shows_none_of(answer, [*secrets.values(), *environment.values()], changes=question.verb in schema.CHANGES)
        if isinstance(answer, schema.Failed):
            raise errors.failure(answer.error)
        assert isinstance(answer, kind)
        return answer

    def _trusted(self, verb: schema.Verb, opened_by: str) -> int | None:
        """None: what stands at the path. Else a copy of the program in memory. Raises BadConfig."""
        settings = self._settings
        if beside := program.doubt_beside(settings.program, settings.arguments):
            raise BadConfig(beside)
        doubt = program.doubt(settings.program)
        if doubt is None:
            return None
        copy = program.unchanged_copy(settings.program, opened_by) if verb in _GOES_ON and opened_by else None
        if copy is None:
            raise BadConfig(doubt)
        return copy


def _read(references: Mapping[str, SecretReference]) -> dict[str, str]:
    return {name: reference.read().get_secret_value() for name, reference in references.items()}


def _written(question: schema.Question, secrets: Mapping[str, str], deadline: Deadline) -> bytes:
    until = host_time() + timedelta(seconds=deadline.left())
    whole = question.model_copy(update={"secrets": dict(secrets), "deadline": until})
    return whole.as_json().encode("ascii")


def _answer(verb: schema.Verb, ended: Ended) -> schema.Strict:
    changes = verb in schema.CHANGES
    if ended.how == "late":
        raise errors.unknown("The program of this target was not done in time and was ended", changes=changes)
    if ended.how == "flood":
        raise _useless(f"{_TOO_MUCH} and was ended", changes=changes)
    try:
        answer = schema.read_answer(verb, ended.output)
    except ValueError:  # its words hold what the program wrote
        if ended.code != 0:
            raise errors.exit_failure(ended.code, changes=changes) from None
        sentence = f"The program of this target gave no answer to {verb} that can be read"
        raise _useless(sentence, changes=changes) from None
    if ended.code != 0 and not isinstance(answer, schema.Failed):
        raise errors.exit_failure(ended.code, changes=changes)
    return answer


def _useless(sentence: str, *, changes: bool) -> ProviderError:
    return errors.unknown(sentence, changes=True) if changes else Permanent(f"{sentence}.")


def _shows_none_of(answer: schema.Strict, secrets: Iterable[str], *, changes: bool) -> None:
    """What a program answers is stored and shown."""
    said = "\n".join(_texts(answer.model_dump()))
    if any(secret in said for secret in secrets if len(secret) >= _LEAST_SECRET):
        raise _useless("The answer of this target's program has a secret in it and was thrown away", changes=changes)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _texts(key)
            yield from _texts(one)
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _texts(one)
