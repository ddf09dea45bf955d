"""The command line: `countersign --help`."""

import gc
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from access.errors import AccessError
from access.settings import Settings
from countersign import logs

# A pretty traceback prints local variables, and those may hold secrets.
app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Just-in-time access, from Slack."
)
policy_commands = typer.Typer(no_args_is_help=True, help="The policy file: who may ask for what, and who decides.")
audit_commands = typer.Typer(no_args_is_help=True, help="The audit log.")
app.add_typer(policy_commands, name="policy")
app.add_typer(audit_commands, name="audit")


@app.command()
def up() -> None:
    """Start everything on this host: bot, timekeeper and workers, under one supervisor."""
    from countersign.up import run_up

    raise typer.Exit(run_up(_settings("up")))


@app.command()
def bot() -> None:
    """Answer in Slack (needs SLACK_BOT_TOKEN, and SLACK_APP_TOKEN or for HTTP mode SLACK_SIGNING_SECRET)."""
    from countersign.processes import run_bot

    run_bot(_settings("bot"))


@app.command()
def worker(queue: Annotated[str, typer.Argument(help="grant, revoke or tell")]) -> None:
    """Work on one queue; any number may run, on any number of hosts."""
    from countersign.processes import run_worker
    from workers.business import QUEUES, Queue

    known: dict[str, Queue] = {name: name for name in QUEUES}
    if queue not in known:
        raise typer.BadParameter(f"there is no queue {queue}; it is grant, revoke or tell")
    run_worker(_settings(f"worker {queue}"), known[queue])


@app.command()
def timekeeper() -> None:
    """Keep the time: start and end access when it is due; any number may run."""
    from countersign.processes import run_timekeeper

    run_timekeeper(_settings("timekeeper"))


@app.command()
def migrate() -> None:
    """Bring the database to this version's schema."""
    from access.store import Database
    from countersign import schema
    from countersign.reading import name_database

    settings = _settings()
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
    """Ask the few questions of a first set-up and write access.yml and .env; see docs/set-up.md."""
    from countersign.init.run import run_init

    raise typer.Exit(run_init(directory))


@app.command()
def manifest_link(
    http: Annotated[
        str, typer.Option(metavar="ADDRESS", help="For HTTP mode: where Slack calls the bot, https://HOST[/prefix].")
    ] = "",
) -> None:
    """Print the link that makes the Slack app, with everything filled in."""
    from countersign.manifest import manifest_link as link

    try:
        print(link(http))
    except ValueError as reason:
        raise typer.BadParameter(f"{reason}.", param_hint="--http") from None


@app.command()
def doctor(
    in_json: Annotated[bool, typer.Option("--json", help="Print a list of findings for programs.")] = False,
) -> None:
    """Look at everything and say how to mend what is wrong; exit code 1 for warnings, 2 for errors."""
    from countersign.doctor.run import run_doctor

    logs.configure("ERROR")
    raise typer.Exit(run_doctor(in_json=in_json))


@app.command()
def outstanding(
    in_json: Annotated[bool, typer.Option("--json", help="Print a list for programs.")] = False,
) -> None:
    """Print every grant that may still be open, with what ends it by hand. Needs the database alone."""
    from countersign.outstanding import report

    print(report(_settings(), in_json=in_json))


@app.command()
def restored(
    compare: Annotated[
        bool, typer.Option("--compare", help="The database was restored, and nothing noticed: compare all targets.")
    ] = False,
    taken: Annotated[
        str | None, typer.Option(help="With --compare: when the backup was taken, as 2026-11-23T04:00+00:00.")
    ] = None,
    over: Annotated[bool, typer.Option("--over", help="Take requests again, whatever is left to compare.")] = False,
) -> None:
    """After a restore: what must still be compared before requests are taken again; exit code 1 while there is."""
    from countersign import restored as command

    if (compare and over) or (taken and not compare):
        raise typer.BadParameter("say --compare, with --taken or without, or --over")
    settings = _settings()
    if compare:
        raise typer.Exit(command.compare(settings, taken))
    raise typer.Exit(command.over(settings) if over else command.show(settings))


@app.command()
def drift(
    resource: Annotated[list[str] | None, typer.Option(help="Only this one; may be said several times.")] = None,
    baseline: Annotated[
        bool, typer.Option("--baseline", help="Print who holds what without a grant, and who accepted that.")
    ] = False,
) -> None:
    """Let the workers compare the targets with what was granted; exit code 1 where they differ or do not answer."""
    from countersign.drift import look_now

    if baseline:
        from countersign.baseline import report

        raise typer.Exit(report(_settings(), resource or []))
    raise typer.Exit(look_now(_settings(), resource or []))


@app.command()
def digest(
    now: Annotated[
        bool, typer.Option("--now", help="Make one now and have it told; the day's own still comes.")
    ] = False,
    only_print: Annotated[bool, typer.Option("--print", help="Print what it would say; nothing is written.")] = False,
) -> None:
    """The daily digest, between two days."""
    from countersign.digest import digest_now, digest_preview

    if now == only_print:
        raise typer.BadParameter("say --now or --print")
    print((digest_now if now else digest_preview)(_settings()))


@policy_commands.command()
def lint(file: Annotated[Path, typer.Argument(help="the policy file")] = Path("access.yml")) -> None:
    """Check a policy file: every mistake with its line and its cure."""
    from countersign.lint import lint_file

    raise typer.Exit(lint_file(file))


@audit_commands.command()
def verify() -> None:
    """Recompute the whole audit log and say whether it holds."""
    from countersign.audit_log import verify_log

    raise typer.Exit(verify_log(_settings()))


@app.command()
def demo(
    play: Annotated[bool, typer.Option("--play", help="Play the whole story by itself and say how it went.")] = False,
    port: Annotated[int, typer.Option(help="Where the page is; 0 takes a free port.")] = 0,
) -> None:
    """Try it without Slack: a sandbox workspace, a real PostgreSQL, and a window onto it."""
    from countersign.demo.run import run_demo

    logs.configure("WARNING")
    raise typer.Exit(run_demo(port=port, play=play))


def _settings(process: str = "countersign") -> Settings:
    settings = Settings.read(os.environ)
    logs.configure(settings.log_level, settings.log_format, process)
    return settings


def main() -> None:
    """What goes wrong is said in its sentence, without a traceback; a mistake of ours keeps its own."""
    gc.set_threshold(50_000)  # what is imported stays: looked through less often, it is there a tenth sooner
    try:
        app()
    except AccessError as error:
        print(error.sentence if not str(error) else str(error), file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
