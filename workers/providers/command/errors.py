"""What a program's exit codes and its own words for an error mean: two tables."""

from datetime import timedelta

from access.errors import (
    Ambiguous,
    BadConfig,
    BadCredential,
    NotGrantable,
    NotPermitted,
    Permanent,
    PrincipalNotFound,
    ProviderError,
    RateLimited,
    StandingAccess,
    TargetConflict,
    TargetNotFound,
    Transient,
    Unsupported,
)
from workers.providers.exchange.schema import Failure

KINDS: dict[str, type[ProviderError]] = {
    "transient": Transient,
    "rate_limited": RateLimited,
    "ambiguous": Ambiguous,
    "conflict": TargetConflict,
    "permanent": Permanent,
    "bad_config": BadConfig,
    "bad_credential": BadCredential,
    "not_permitted": NotPermitted,
    "target_not_found": TargetNotFound,
    "principal_not_found": PrincipalNotFound,
    "not_grantable": NotGrantable,
    "unsupported": Unsupported,
    "standing_access": StandingAccess,
}

# sysexits.h, which BSD's and Linux's own programs use.
EXIT_CODES: dict[int, tuple[type[ProviderError], str]] = {
    64: (BadConfig, "The program of this target does not understand its arguments"),
    67: (PrincipalNotFound, "The program of this target does not know this person"),
    68: (TargetNotFound, "The program of this target does not know the host"),
    69: (Transient, "What the program of this target needs can't be reached just now"),
    75: (Transient, "The program of this target could not do it just now"),
    77: (NotPermitted, "The program of this target lacks a right that it needs"),
    78: (BadConfig, "The program of this target finds its configuration wrong"),
}


def exit_failure(code: int, *, changes: bool) -> ProviderError:
    """For a program that ended without an answer; below nought it is the signal that ended it."""
    how = f"exit code {code}" if code >= 0 else f"signal {-code}"
    if code in EXIT_CODES:
        kind, sentence = EXIT_CODES[code]
        return kind(f"{sentence} ({how}).", code=str(code))
    return unknown(f"The program of this target ended without an answer ({how})", changes=changes, code=str(code))


def unknown(sentence: str, *, changes: bool, code: str | None = None) -> ProviderError:
    """What happened after the program was started and left no answer that can be used."""
    if changes:
        return Ambiguous(f"{sentence}, so it is not known whether this was done.", code=code)
    return Transient(f"{sentence}.", code=code)


def failure(said: Failure) -> ProviderError:
    """In the program's own words where it has some."""
    kind, sentence = KINDS[said.kind], said.sentence or None
    if issubclass(kind, Transient):
        wait = timedelta(seconds=said.retry_after) if said.retry_after is not None else None
        return kind(sentence, code=said.kind, retry_after=wait)
    return kind(sentence, code=said.kind)
