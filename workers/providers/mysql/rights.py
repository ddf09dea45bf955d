"""A right on a MariaDB server in words: as the policy gives it, as the grant tables have it, and as it is compared."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# The bits of `access` in mysql.global_priv, in their order, which is that of sql/privilege.h.
_BITS = (
    "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "RELOAD", "SHUTDOWN", "PROCESS", "FILE", "GRANT OPTION",
    "REFERENCES", "INDEX", "ALTER", "SHOW DATABASES", "SUPER", "CREATE TEMPORARY TABLES", "LOCK TABLES", "EXECUTE",
    "REPLICATION SLAVE", "REPLICATION CLIENT", "CREATE VIEW", "SHOW VIEW", "CREATE ROUTINE", "ALTER ROUTINE",
    "CREATE USER", "EVENT", "TRIGGER", "CREATE TABLESPACE", "DELETE HISTORY", "SET USER", "FEDERATED ADMIN",
    "CONNECTION ADMIN", "READ_ONLY ADMIN", "REPLICATION SLAVE ADMIN", "REPLICATION MASTER ADMIN", "BINLOG ADMIN",
    "BINLOG REPLAY", "SLAVE MONITOR", "SHOW CREATE ROUTINE",
)  # fmt: skip
_COLUMNS_OF_DB = {
    "Select_priv": "SELECT", "Insert_priv": "INSERT", "Update_priv": "UPDATE", "Delete_priv": "DELETE",
    "Create_priv": "CREATE", "Drop_priv": "DROP", "Grant_priv": "GRANT OPTION", "References_priv": "REFERENCES",
    "Index_priv": "INDEX", "Alter_priv": "ALTER", "Create_tmp_table_priv": "CREATE TEMPORARY TABLES",
    "Lock_tables_priv": "LOCK TABLES", "Create_view_priv": "CREATE VIEW", "Show_view_priv": "SHOW VIEW",
    "Create_routine_priv": "CREATE ROUTINE", "Alter_routine_priv": "ALTER ROUTINE", "Execute_priv": "EXECUTE",
    "Event_priv": "EVENT", "Trigger_priv": "TRIGGER", "Delete_history_priv": "DELETE HISTORY",
}  # fmt: skip
DB_COLUMNS = tuple(_COLUMNS_OF_DB)
_IN_A_SET = {"Grant": "GRANT OPTION", "Create View": "CREATE VIEW", "Show view": "SHOW VIEW",
             "Delete versioning rows": "DELETE HISTORY", "Alter Routine": "ALTER ROUTINE"}  # fmt: skip


@dataclass(frozen=True)
class Right:
    """One privilege, in one place; without a database it is of the whole server."""

    privilege: str
    database: str = ""
    table: str | None = None
    column: str | None = None

    def __str__(self) -> str:
        if not self.database:
            return f"{self.privilege} on the whole server"
        column = f" ({self.column})" if self.column is not None else ""
        return f"{self.privilege}{column} on {self.place}"

    @property
    def place(self) -> str:
        return f"{self.database}.{'*' if self.table is None else self.table}"

    def covers(self, other: "Right") -> bool:
        """Whether who may do this may do the other."""
        if self.privilege != other.privilege or self.database not in ("", other.database):
            return False
        if self.table not in (None, other.table):
            return False
        return self.column in (None, other.column)


def of_the_server(access: int) -> Iterator[Right]:
    for bit, privilege in enumerate(_BITS):
        if access & 1 << bit:
            yield Right(privilege)
    if access >> len(_BITS):
        yield Right("a privilege that this version of Countersign does not know")


def of_a_database(pattern: str, columns: Iterable[str]) -> Iterator[Right]:
    """`columns`: the values of `DB_COLUMNS`."""
    for privilege, value in zip(_COLUMNS_OF_DB.values(), columns, strict=True):
        if value == "Y":
            yield Right(privilege, readable(pattern))


def of_a_table(database: str, table: str, privileges: str, column: str | None = None) -> Iterator[Right]:
    """`privileges`: as the tables have them, with commas between."""
    for word in filter(None, privileges.split(",")):
        yield Right(_IN_A_SET.get(word, word.upper()), database, table, column)


def readable(pattern: str) -> str:
    """A pattern that is of one database alone is shown as that; another as what it is."""
    plain, escaped = [], False
    for letter in pattern:
        if escaped:
            plain.append(letter if letter in "_%\\" else f"\\{letter}")
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter in "_%":
            return f"databases like {pattern}"
        else:
            plain.append(letter)
    return "".join(plain)
