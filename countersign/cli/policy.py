"""`countersign policy …`: what is tried on a policy file alone, without a database, Slack or a target."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

policy_commands = typer.Typer(no_args_is_help=True, help="Check a policy file, and try it before it is trusted.")
_POLICY, _CASES = Path("access.yml"), Path("access.tests.yml")
PolicyFile = Annotated[Path, typer.Option("--policy", metavar="FILE", help="The policy that is tried.")]
CasesFile = Annotated[Path, typer.Argument(metavar="CASES", help="The file of cases.")]
InJson = Annotated[bool, typer.Option("--json", help="Print it for programs.")]
Asked = Annotated[str, typer.Argument(metavar="RESOURCE/ROLE", help="What is asked for.")]
When = Annotated[
    datetime | None,
    typer.Option("--at", formats=["%Y-%m-%dT%H:%M%z"], help="Then instead of now, like 2026-11-02T10:00+0100."),
]
Receiver = Annotated[
    str | None, typer.Option("--receiver", metavar="PERSON", help="Who receives it. Default: who asks.")
]


@policy_commands.command()
def lint(file: Annotated[Path, typer.Argument(help="the policy file")] = _POLICY, in_json: InJson = False) -> None:
    """Check a policy file. Names every mistake with its line and its cure."""
    from countersign.cli.policy_lint import lint_file

    raise typer.Exit(lint_file(file, in_json=in_json))


@policy_commands.command("test")
def run_cases(cases: CasesFile = _CASES, policy: PolicyFile = _POLICY, in_json: InJson = False) -> None:
    """Try a policy on its cases. Says which do not hold; exit code 1 where one does not."""
    from countersign.cli.policy_test import run_test

    raise typer.Exit(run_test(cases, policy, in_json=in_json))


@policy_commands.command()
def coverage(cases: CasesFile = _CASES, policy: PolicyFile = _POLICY, in_json: InJson = False) -> None:
    """Say which rules and stages no case touches. Exit code 1 unless there is none."""
    from countersign.cli.policy_test import run_coverage

    raise typer.Exit(run_coverage(cases, policy, in_json=in_json))


@policy_commands.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The policy as it is.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The policy as it would be.")],
    *,
    accept_widening: Annotated[bool, typer.Option("--accept-widening", help="Exit code 0 all the same.")] = False,
    in_json: InJson = False,
) -> None:
    """Say who could have more or less by another policy. Exit code 1 where a difference is wider."""
    from countersign.cli.policy_diff import run_diff

    raise typer.Exit(run_diff(old, new, in_json=in_json, accept_widening=accept_widening))


@policy_commands.command()
def explain(
    person: Annotated[str, typer.Argument(help="Who would ask, by the name in the policy.")],
    entitlement: Asked,
    *,
    receiver: Receiver = None,
    at: When = None,
    policy: PolicyFile = _POLICY,
    in_json: InJson = False,
) -> None:
    """Say on which terms a person may ask for something. Exit code 1 where they may not."""
    from access.clock import host_now
    from countersign.cli.policy_explain import Parties, run_explain

    parties = Parties(asks=person, receives=receiver or person)
    raise typer.Exit(run_explain(parties, entitlement, policy, at=at or host_now(), in_json=in_json))


@policy_commands.command()
def simulate(
    entitlement: Asked,
    *,
    person: Annotated[str, typer.Option("--as", metavar="PERSON", help="Who asks, by the name in the policy.")],
    time: Annotated[str, typer.Option("--for", metavar="TIME", help="For how long, like 90m.")] = "1h",
    reason: Annotated[str, typer.Option(help="Why. Default: one that is long enough.")] = "",
    receiver: Receiver = None,
    at: When = None,
    policy: PolicyFile = _POLICY,
    in_json: InJson = False,
) -> None:
    """Try one request. Prints each step, who would be asked and why not the others; exit code 1 where it is refused."""
    from access.clock import host_now
    from countersign.cli.policy_explain import Parties, run_simulate

    parties, when = Parties(asks=person, receives=receiver or person), at or host_now()
    raise typer.Exit(run_simulate(parties, entitlement, policy, time=time, reason=reason, at=when, in_json=in_json))
