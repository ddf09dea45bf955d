"""What a session of ours is whatever the target says: settings that a database's owner could choose for us.

`ALTER DATABASE … SET` and `ALTER ROLE ALL IN DATABASE … SET` reach every session there, the bot's too; the start-up
options of a connection win over both. docs/adr/0017-sessions-that-believe-no-names.md says what each is for.
"""

_WAYS_TO_READ = (
    "bitmapscan", "hashagg", "hashjoin", "indexonlyscan", "indexscan", "material", "mergejoin", "nestloop", "seqscan",
    "sort",
)  # fmt: skip
_PINS: tuple[tuple[str, str], ...] = (
    # Whose names, and as whom.
    ("search_path", ""),
    ("role", "none"),
    ("local_preload_libraries", ""),
    ("row_security", "on"),
    # Whether a message gets through.
    ("default_transaction_read_only", "off"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_deferrable", "off"),
    ("statement_timeout", "0"),
    ("lock_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
    ("idle_session_timeout", "0"),
    ("post_auth_delay", "0"),
    ("exit_on_error", "off"),
    ("tcp_user_timeout", "0"),
    ("tcp_keepalives_idle", "0"),
    ("tcp_keepalives_interval", "0"),
    ("tcp_keepalives_count", "0"),
    ("client_connection_check_interval", "0"),
    # On disk before it is "ended"; and never held up by a standby that is gone.
    ("synchronous_commit", "local"),
    # What our words mean, and the server's.
    ("standard_conforming_strings", "on"),
    ("transform_null_equals", "off"),
    ("array_nulls", "on"),
    ("DateStyle", "ISO"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "UTC"),
    ("extra_float_digits", "1"),
    ("quote_all_identifiers", "off"),
    # A plan that can be waited for, also where somebody has made ten thousand things: the server's own defaults.
    *((f"enable_{way}", "on") for way in _WAYS_TO_READ),
    ("work_mem", "4MB"),
    ("from_collapse_limit", "8"),
    ("join_collapse_limit", "8"),
    ("seq_page_cost", "1"),
    ("random_page_cost", "4"),
    ("cpu_tuple_cost", "0.01"),
    ("cpu_index_tuple_cost", "0.005"),
    ("cpu_operator_cost", "0.0025"),
    # Short reads: nothing to compile, no helper processes.
    ("jit", "off"),
    ("max_parallel_workers_per_gather", "0"),
)
KNOWS_TRANSACTION_TIMEOUT = 170000
_SINCE: tuple[tuple[int, str, str], ...] = (
    (160000, "createrole_self_grant", ""),
    (160000, "debug_parallel_query", "off"),
    # The driver does as many rounds for a new password as the server says, up to two thousand million.
    (160000, "scram_iterations", "4096"),
    (KNOWS_TRANSACTION_TIMEOUT, "transaction_timeout", "0"),
)
"""Named only to a server that knows them: any other refuses the connection."""


def options(said: str, version: int | None) -> str:
    """The start-up options: those of the `dsn` are kept, and come first, for the last one wins."""
    ours = [*_PINS, *newer(version)]
    arguments = [*_split(said), *(word for name, value in ours for word in ("-c", f"{name}={value}"))]
    return " ".join(_escaped(argument) for argument in arguments)


def newer(version: int | None) -> list[tuple[str, str]]:
    """The pins that a server before this version does not know; None: it has not said its version yet."""
    return [(name, value) for since, name, value in _SINCE if version is not None and version >= since]


def _split(said: str) -> list[str]:
    """As the server does: blanks part, a backslash takes the next letter as it is. A last, lone one is nothing."""
    arguments: list[str] = []
    word, letters = "", iter(said)
    begun = False
    for letter in letters:
        if letter.isspace():
            if begun:
                arguments.append(word)
            word, begun = "", False
            continue
        begun = True
        word += next(letters, "") if letter == "\\" else letter
    return [*arguments, word] if begun else arguments


def _escaped(argument: str) -> str:
    return "".join(f"\\{letter}" if letter.isspace() or letter == "\\" else letter for letter in argument)
