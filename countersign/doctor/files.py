"""What lies on this host: the state directory, the job key, and who may write the policy."""

from collections.abc import Iterator
from pathlib import Path

from access.errors import Unready
from access.ports import Finding
from countersign.doctor.surroundings import Surroundings, error, ok, warning
from workers.signing import KEY_FILE, parse_key

_OTHERS = 0o077
_WRITABLE = 0o022


def look(here: Surroundings) -> Iterator[Finding]:
    yield _state(here.settings.state_directory)
    yield from _job_keys(here)
    yield from _database(here)
    policy = here.settings.policy_file
    if policy.exists():
        yield _policy(policy)


def _state(directory: Path) -> Finding:
    if not directory.exists():
        return ok("state directory", f"{directory} is not there yet; the first start makes it.")
    if directory.stat().st_mode & _OTHERS:
        return warning(
            "state directory", f"Others on this host may enter {directory}.", f"Run `chmod 700 {directory}`."
        )
    return ok("state directory", f"Only its owner may enter {directory}.")


def _job_keys(here: Surroundings) -> Iterator[Finding]:
    if here.settings.job_keys:
        for key in here.settings.job_keys:
            try:
                parse_key(key.get_secret_value())
            except Unready as unready:
                yield error(
                    "job key", unready.sentence, "Make one with `openssl rand -hex 32` and give it to all hosts."
                )
                return
        yield ok("job key", "It comes from the environment.")
        return
    file = here.settings.state_directory / KEY_FILE
    if not file.exists():
        yield ok("job key", f"{file} is not there yet; the first start makes it.")
        return
    if file.stat().st_mode & _OTHERS:
        yield error("job key", f"Others on this host may read {file}, and so sign jobs.", f"Run `chmod 600 {file}`.")
        return
    try:
        parse_key(file.read_text(encoding="utf-8"))
    except (Unready, OSError, UnicodeDecodeError):
        cure = f"Remove {file} and start the workers and timekeepers again; they make a new one."
        yield error("job key", f"{file} holds no key that can be read.", cure)
        return
    yield ok("job key", f"Only its owner may read {file}.")


def _database(here: Surroundings) -> Iterator[Finding]:
    """A SQLite file: a process makes it private when it connects, if the file is its own."""
    try:
        file = Path(here.database.url.database or "")
    except Unready:
        return  # the database's own findings say so
    if here.database.dialect != "sqlite" or not file.exists():
        return
    if file.stat().st_mode & _OTHERS:
        yield warning("database file", f"Others on this host may read {file}.", f"Run `chmod 600 {file}`.")
        return
    yield ok("database file", f"Only its owner may read {file}.")


def _policy(file: Path) -> Finding:
    """Who writes it decides who may ask for what."""
    if file.stat().st_mode & _WRITABLE:
        return warning("policy file", f"Others on this host may write {file}.", f"Run `chmod go-w {file}`.")
    return ok("policy file", f"Only its owner may write {file}.")
