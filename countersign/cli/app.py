"""The command line: `countersign --help`. Exit codes: docs/adr/0025-the-command-line.md."""

import logging
import os
from functools import partial
from importlib.metadata import version as installed
from pathlib import Path
from typing import Annotated

import typer

from access.settings import Settings
from countersign import env_file, exits, logs
from countersign.cli.policy import policy_commands

# A pretty traceback prints local variables, and those may hold secrets. Help is plain text: markup ends at `[/prefix]`.
app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None, help="Just-in-time access, from Slack."
)
audit_commands = typer.Typer(no_args_is_help=True, help="Check the audit log.")
provider_commands = typer.Typer(no_args_is_help=True, help="Write a provider of your own.")
app.add_typer(policy_commands, name="policy")
app.add_typer(audit_commands, name="audit")
app.add_typer(provider_commands, name="provider")
EnvFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Take settings that are not set from this file of NAME=value lines: .env"),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"countersign {installed('countersign-access')}")
        raise typer.Exit


@app.callback()
def every_command(
    env_file: EnvFile = None,
    version: Annotated[  # noqa: ARG001 -- its callback is what counts
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Just-in-time access, from Slack."""
    _load(env_file)


@app.command()
def up(env_file: EnvFile = None) -> None:
    """Start everything on this host. Bot, timekeeper and workers run under one supervisor."""
    from countersign.up import run_up

    run_up(_settings(env_file, "up"))


@app.command()
def bot(env_file: EnvFile = None) -> None:
    """Answer in Slack. Needs SLACK_BOT_TOKEN, and SLACK_APP_TOKEN or for HTTP mode SLACK_SIGNING_SECRET."""
    from countersign.processes import run_bot

    run_bot(_settings(env_file, "bot"))


@app.command()
def worker(queue: Annotated[str, typer.Argument(help="grant, revoke or tell")], env_file: EnvFile = None) -> None:
    """Work on one queue. Any number may run, on any number of hosts."""
    from countersign.processes import run_worker
    from workers.handlers import QUEUES, Queue

    known: dict[str, Queue] = {name: name for name in QUEUES}
    if queue not in known:
        raise typer.BadParameter(f"there is no queue {queue}; it is grant, revoke or tell")
    run_worker(_settings(env_file, f"worker {queue}"), known[queue])


@app.command()
def timekeeper(env_file: EnvFile = None) -> None:
    """Start and end access when it is due. Any number may run."""
    from countersign.processes import run_timekeeper

    run_timekeeper(_settings(env_file, "timekeeper"))


@app.command()
def migrate(env_file: EnvFile = None) -> None:
    """Bring the database to this version's schema."""
    from access.store import Database
    from countersign import schema
    from countersign.cli.reading import name_database

    settings = _settings(env_file)
    name_database(settings)
    database = Database(settings.database_url)
    try:
        schema.migrate(database)
    finally:
        database.close()
    print(f"{database.shown} is at revision {schema.head()}.")


@app.command()
def init(
    directory: Annotated[Path, typer.Option(help="Where to write access.yml and .env.", file_okay=False)] = Path(),
) -> None:
    """Write a first access.yml and .env. Asks the few questions of a set-up; see docs/set-up.md."""
    from countersign.init.run import run_init

    raise typer.Exit(run_init(directory))


@app.command()
def manifest_link(
    http: Annotated[
        str, typer.Option(metavar="ADDRESS", help="For HTTP mode: where Slack calls the bot, https://HOST[/prefix].")
    ] = "",
) -> None:
    """Print the link that makes the Slack app. Everything is filled in."""
    from countersign.manifest import manifest_link as link

    try:
        print(link(http))
    except ValueError as reason:
        raise typer.BadParameter(f"{reason}.", param_hint="--http") from None


@app.command()
def doctor(
    in_json: Annotated[bool, typer.Option("--json", help="Print a list of findings for programs.")] = False,
    env_file: EnvFile = None,
) -> None:
    """Say what is wrong and how to mend it. Looks at everything; exit code 1 for warnings, 2 for errors."""
    from countersign.doctor.run import run_doctor

    _load(env_file)
    logs.configure("ERROR")
    logging.getLogger("slack_sdk").setLevel("CRITICAL")  # what it cannot reach is a finding
    raise typer.Exit(run_doctor(in_json=in_json))


@app.command()
def outstanding(
    in_json: Annotated[bool, typer.Option("--json", help="Print a list for programs.")] = False,
    env_file: EnvFile = None,
) -> None:
    """Print every grant that may be open. Says what ends each by hand; needs the database alone."""
    from countersign.cli.outstanding import report

    print(report(_settings(env_file), in_json=in_json))


@app.command()
def providers(
    in_json: Annotated[bool, typer.Option("--json", help="Print a list for programs.")] = False,
) -> None:
    """List the installed providers. Says what each can do, on what it was tested, and which promises it kept."""
    from countersign.cli.providers import report

    print(report(in_json=in_json))


@app.command()
def conformance(
    live: Annotated[str, typer.Option(metavar="RESOURCE", help="The resource of the policy whose target is tried.")],
    yes_i_mean: Annotated[
        str | None, typer.Option(metavar="RESOURCE", help="For scripts: its name once more, instead of typing it.")
    ] = None,
    role: Annotated[
        str | None, typer.Option(help="Which role is opened. Default: the policy's harmless one, or the only one.")
    ] = None,
    principal: Annotated[
        str | None, typer.Option(help="For whom, as the target names it. Default: who gets the harmless role.")
    ] = None,
    env_file: EnvFile = None,
) -> None:
    """Try a provider on your target. Opens and ends access there, after a warning; exit code 1 where one is broken."""
    from countersign.cli.conformance import run_live

    raise typer.Exit(run_live(_settings(env_file), live, meant=yes_i_mean, role=role, principal=principal))


@app.command()
def restored(
    compare: Annotated[
        bool, typer.Option("--compare", help="The database was restored, and nothing noticed: compare all targets.")
    ] = False,
    taken: Annotated[
        str | None, typer.Option(help="With --compare: when the backup was taken, as 2026-11-23T04:00+00:00.")
    ] = None,
    over: Annotated[bool, typer.Option("--over", help="Take requests again, whatever is left to compare.")] = False,
    env_file: EnvFile = None,
) -> None:
    """After a restore, say what is left to do. Until all is compared, no request is taken and the exit code is 1."""
    from countersign.cli import restored as command

    if (compare and over) or (taken and not compare):
        raise typer.BadParameter("say --compare, with --taken or without, or --over")
    settings = _settings(env_file)
    if compare:
        raise typer.Exit(command.compare(settings, taken))
    raise typer.Exit(command.over(settings) if over else command.show(settings))


@app.command()
def drift(
    resource: Annotated[list[str] | None, typer.Option(help="Only this one; may be said several times.")] = None,
    baseline: Annotated[
        bool, typer.Option("--baseline", help="Print who holds what without a grant, and who accepted that.")
    ] = False,
    env_file: EnvFile = None,
) -> None:
    """Compare the targets with what was granted. The workers do; exit code 1 where one differs or does not answer."""
    from countersign.cli.drift import look_now

    if baseline:
        from countersign.cli.drift_baseline import report

        raise typer.Exit(report(_settings(env_file), resource or []))
    raise typer.Exit(look_now(_settings(env_file), resource or []))


@app.command()
def digest(
    now: Annotated[
        bool, typer.Option("--now", help="Make one now and have it told; the day's own still comes.")
    ] = False,
    only_print: Annotated[bool, typer.Option("--print", help="Print what it would say; nothing is written.")] = False,
    env_file: EnvFile = None,
) -> None:
    """Make or print a digest between two days."""
    from countersign.cli.digest import digest_now, digest_preview

    if now == only_print:
        raise typer.BadParameter("say --now or --print")
    print((digest_now if now else digest_preview)(_settings(env_file)))


@audit_commands.command()
def verify(env_file: EnvFile = None) -> None:
    """Say whether the whole audit log holds."""
    from countersign.cli.audit_verify import verify_log

    raise typer.Exit(verify_log(_settings(env_file)))


@provider_commands.callback()
def every_provider_command() -> None:
    """Write a provider of your own."""


@provider_commands.command()
def new(
    name: Annotated[str, typer.Argument(help="the word after `provider:` in the policy, such as acme")],
    directory: Annotated[
        Path, typer.Option(help="Where to write the folder of the package.", file_okay=False)
    ] = Path(),
) -> None:
    """Write a package with a provider that works, and its tests. Put your own target into its place."""
    from countersign.cli.provider_new import new_provider

    folder = new_provider(name, directory)
    print(f"{folder} is written. Next: cd {folder} && pip install . && pytest. See docs/writing-a-provider.md.")


@app.command()
def demo(
    play: Annotated[bool, typer.Option("--play", help="Play the whole story by itself and say how it went.")] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65534, help="Of the page; the window has the next one. 0 takes free ports.")
    ] = 0,
) -> None:
    """Try it without Slack. Brings up a sandbox workspace, a real PostgreSQL, and a window onto it."""
    from countersign.demo.run import run_demo

    logs.configure("WARNING")
    raise typer.Exit(run_demo(port=port, play=play))


def _settings(env_file: Path | None, process: str = "countersign") -> Settings:
    _load(env_file)
    settings = Settings.read(os.environ)
    logs.configure(settings.log_level, settings.log_format, process)
    return settings


def _load(file: Path | None) -> None:
    if file is not None:
        env_file.load(file, os.environ)


def main() -> None:
    exits.run(partial(app, prog_name="countersign"))
