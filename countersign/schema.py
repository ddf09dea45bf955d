"""The schema's revision: what this version needs, and how a database gets there."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

import migrations
from access.store import Database

_MIGRATION_LOCK = 0x636F756E  # "coun": any number that only we use
_FOLDER = Path(migrations.__file__).parent


def head() -> str:
    """The revision that this version works on."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    assert found is not None, "there is at least the first revision"
    return found


def revisions() -> set[str]:
    """Every revision that this version knows."""
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def migrate(database: Database) -> None:
    """Brings the database to `head()`. Several at once wait for each other; raises Unready when it cannot be used."""
    database.reachable()
    with database.engine().begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config
