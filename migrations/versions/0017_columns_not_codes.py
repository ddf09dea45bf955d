"""Columns for what was encoded in subjects, recipients and details of the log; policies with their text (ADR 31)."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
changed_tables = ("grant", "alert", "notice", "audit_event")
_ADDED: dict[str, dict[str, tuple[sa.types.TypeEngine[object], str | None]]] = {
    "alert": {
        "resource": (sa.String(), None),
        "grant_id": (sa.String(), None),
        "variant": (sa.String(), ""),
        "name": (sa.String(), None),
        "since": (sa.DateTime(timezone=True), None),
    },
    "grant": {
        "removed_by_hand_by": (sa.String(), None),
        "removed_by_hand_at": (sa.DateTime(timezone=True), None),
    },
    "notice": {
        "destination": (sa.String(), ""),
        "step_group": (sa.String(), None),
        "step_after_s": (sa.Integer(), None),
        "undelivered_where": (sa.String(), ""),
        "undelivered_code": (sa.String(), ""),
    },
}
"""By table: the type, and what stands there where no value is given."""
_UNSAID = "NEW.variant = '' AND NEW.resource IS NULL AND NEW.grant_id IS NULL AND NEW.name IS NULL"
"""Of a row that a version before writes, and of one that has none of them."""


_CAUSE = "INSERT OR UPDATE OF undelivered_cause"
_OTHER_CAUSE = "NEW.undelivered_cause <> trim(NEW.undelivered_where || ' ' || NEW.undelivered_code)"


_OF_THE_LOG = {
    "policy.loaded": (
        "policy",
        "INSERT INTO policy_version (id, sha256, security_channel, loaded_at) "
        "SELECT coalesce((SELECT max(id) FROM policy_version), 0) + 1, {row}.object_id, {security_channel}, {row}.at "
        "WHERE {row}.object_id <> coalesce((SELECT sha256 FROM policy_version ORDER BY id DESC LIMIT 1), '')",
    ),
    "grant.removed-by-hand": (
        "removed_by_hand",
        'UPDATE "grant" SET removed_by_hand_by = {slack}, removed_by_hand_at = {row}.at WHERE id = {row}.object_id '
        "AND (removed_by_hand_at IS NULL OR removed_by_hand_at < {row}.at)",
    ),
    "database.restored": (
        "restored",
        "UPDATE alert SET since = {since} WHERE kind = 'restored' AND closed_at IS NULL AND opened_at <= {row}.at "
        "AND (since IS NULL OR since > {since})",
    ),
}
"""By the action of an event that bore a fact alone: a name, and what the fact is in columns. Of this version's events
the columns say the same already."""


def upgrade() -> None:
    for table, columns in _ADDED.items():
        for name, (kind, default) in columns.items():
            op.add_column(table, sa.Column(name, kind, nullable=default is None, server_default=default))
    _set("alert", _of_alert("alert"))
    _derive("alert", "alert_columns", "INSERT", _UNSAID, _of_alert("NEW"))
    _set("notice", _of_recipient("notice") | _of_cause("notice"))
    _derive("notice", "notice_destination", "INSERT", "NEW.destination = ''", _of_recipient("NEW"))
    _derive("notice", "notice_cause", _CAUSE, _OTHER_CAUSE, _of_cause("NEW"))
    op.create_table(
        "policy_version",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("security_channel", sa.String(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_policy_version"),
    )
    _read_log()
    for action in _OF_THE_LOG:
        _follow_log(action)


def downgrade() -> None:
    _derive_no_longer("alert_columns")
    _derive_no_longer("notice_destination")
    _derive_no_longer("notice_cause", _CAUSE)
    for name, _ in _OF_THE_LOG.values():
        _derive_no_longer(f"log_{name}")
    op.drop_table("policy_version")
    for table, columns in _ADDED.items():
        for name in columns:
            op.drop_column(table, name)


def _of_alert(row: str) -> dict[str, str]:
    """What the version before said by the subject, by column."""
    subject, kind = f"{row}.subject", f"{row}.kind"
    before, after = _parts(subject, " ")
    resource, role = _parts(subject, "/")
    about_a_grant = f"{kind} IN ('overdue', 'unremovable', 'drift', 'leftover')"
    is_one_word = f"{_at(subject, ' ')} = 0"
    of_many = f"({is_one_word} AND substr({subject}, length({subject}) - 1) = '/*')"
    is_changed = f"{after} = '\\:changed'"
    is_of_its_own = f"{kind} = 'drift' AND {after} IN ('\\:changed', '\\:unanswered', '\\:uncompared')"
    return {
        "resource": (
            f"CASE WHEN {about_a_grant} AND {of_many} THEN substr({subject}, 1, length({subject}) - 2) "
            f"WHEN {about_a_grant} AND {is_changed} THEN {_resource_of(before)} "
            f"WHEN {about_a_grant} AND {is_one_word} THEN {_resource_of(subject)} "
            f"WHEN {about_a_grant} THEN {before} "
            f"WHEN {kind} = 'provider' THEN {subject} "
            f"WHEN {kind} IN ('rights', 'canary') THEN {resource} END"
        ),
        "grant_id": (
            f"CASE WHEN NOT {about_a_grant} OR {of_many} THEN NULL WHEN {is_changed} THEN {before} "
            f"WHEN {is_one_word} THEN {subject} END"
        ),
        "variant": (
            f"CASE WHEN {about_a_grant} AND {of_many} THEN 'group' WHEN {is_of_its_own} THEN substr({after}, 2) "
            f"WHEN {kind} = 'undelivered' THEN {after} "
            f"WHEN {kind} = 'sweep' AND {subject} = 'members' THEN 'members' "
            f"WHEN {kind} = 'sweep' AND {subject} = 'overdue' THEN 'unlisted' "
            f"WHEN {kind} = 'timers' AND {subject} = 'emptied' THEN 'emptied' "
            f"WHEN {kind} = 'jobs' AND {subject} = 'high-water' THEN 'foreign-mark' ELSE '' END"
        ),
        "name": (
            f"CASE WHEN {about_a_grant} AND ({of_many} OR {is_one_word}) OR {is_of_its_own} THEN NULL "
            f"WHEN {about_a_grant} THEN {after} WHEN {kind} = 'undelivered' THEN {before} "
            f"WHEN {kind} IN ('rights', 'canary') THEN {role} END"
        ),
    }


def _of_recipient(row: str) -> dict[str, str]:
    """`channel`, of a reminder `channel:group:seconds`, of a card that was found in Slack `channel:ts`."""
    destination, step = _parts(f"{row}.recipient", ":")
    group, seconds = _parts(step, ":")
    reminds = f"{row}.kind = 'reminder' AND {_at(step, ':')} > 0"
    return {
        "destination": destination,
        "step_group": f"CASE WHEN {reminds} THEN {group} END",
        "step_after_s": f"CASE WHEN {reminds} THEN CAST({seconds} AS integer) END",
    }


def _of_cause(row: str) -> dict[str, str]:
    where, code = _parts(f"{row}.undelivered_cause", " ")
    known = f"{row}.undelivered_cause <> ''"
    return {
        "undelivered_where": f"CASE WHEN {known} THEN {where} ELSE '' END",
        "undelivered_code": f"CASE WHEN {known} THEN {code} ELSE '' END",
    }


def _facts(row: str) -> dict[str, str]:
    """What an event says in its details."""
    said = {name: _said(row, name) for name in ("security_channel", "slack", "since")}
    since = said["since"]
    # As SQLAlchemy writes a time for SQLite.
    as_time = f"CAST({since} AS timestamptz)" if _is_postgresql() else f"replace(substr({since}, 1, 26), 'T', ' ')"
    return said | {"row": row, "since": as_time}


def _said(row: str, name: str) -> str:
    if _is_postgresql():
        return f"(CAST({row}.entry AS json) #>> '{{details,{name}}}')"
    return f"json_extract({row}.entry, '$.details.{name}')"


def _read_log() -> None:
    """The events of before, one after the other as they came."""
    connection = op.get_bind()
    for action, (_, statement) in _OF_THE_LOG.items():
        seqs = connection.execute(
            sa.text("SELECT seq FROM audit_event WHERE action = :action ORDER BY seq"), {"action": action}
        )
        for seq in seqs.scalars().all():
            event = f"(SELECT * FROM audit_event WHERE seq = {seq})"  # noqa: S608 -- a number
            op.execute(_from_event(statement, event))


def _from_event(statement: str, event: str) -> str:
    said = statement.format(**_facts("event"))
    return said.replace(" WHERE ", f" FROM {event} AS event WHERE ", 1)


def _follow_log(action: str) -> None:
    name, statement = _OF_THE_LOG[action]
    when, said = f"NEW.action = '{action}'", statement.format(**_facts("NEW"))
    if _is_postgresql():
        op.execute(
            f"CREATE FUNCTION log_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {said}; RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER log_{name} AFTER INSERT ON audit_event FOR EACH ROW WHEN ({when}) "
            f"EXECUTE FUNCTION log_{name}()"
        )
        return
    op.execute(f"CREATE TRIGGER log_{name}_insert AFTER INSERT ON audit_event WHEN {when} BEGIN {said}; END")


def _resource_of(grant: str) -> str:
    return f'(SELECT "grant".resource FROM "grant" WHERE "grant".id = {grant})'  # noqa: S608 -- our own names


def _parts(text: str, between: str) -> tuple[str, str]:
    """Before and after the first of these; all of it twice where there is none."""
    end = _at(f"({text} || '{between}')", between)
    return f"substr({text}, 1, {end} - 1)", f"substr({text}, {_at(text, between)} + 1)"


def _at(text: str, sought: str) -> str:
    """From 1 on; 0: nowhere."""
    return f"{'strpos' if _is_postgresql() else 'instr'}({text}, '{sought}')"


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _set(table: str, columns: dict[str, str]) -> None:
    listed = ", ".join(f"{name} = {value}" for name, value in columns.items())
    op.execute(f'UPDATE "{table}" SET {listed}')  # noqa: S608 -- our own names


def _derive(table: str, name: str, event: str, when: str, columns: dict[str, str]) -> None:
    """Whenever a row is written so: on PostgreSQL before, on SQLite after, whose triggers cannot change it before."""
    if _is_postgresql():
        listed = " ".join(f"NEW.{column} := {value};" for column, value in columns.items())
        op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {listed} RETURN NEW; END $$")
        op.execute(
            f'CREATE TRIGGER {name} BEFORE {event} ON "{table}" FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {name}()'
        )
        return
    listed = ", ".join(f"{column} = {value}" for column, value in columns.items())
    for one in event.split(" OR "):
        op.execute(
            f'CREATE TRIGGER {name}_{one[:6].lower()} AFTER {one} ON "{table}" WHEN {when} '  # noqa: S608 -- our own names
            f'BEGIN UPDATE "{table}" SET {listed} WHERE rowid = NEW.rowid; END'
        )


def _derive_no_longer(name: str, event: str = "INSERT") -> None:
    if _is_postgresql():
        op.execute(f"DROP FUNCTION {name}() CASCADE")
        return
    for one in event.split(" OR "):
        op.execute(f"DROP TRIGGER {name}_{one[:6].lower()}")
