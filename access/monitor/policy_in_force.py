"""Which policy is in force: written down when it is another one, and an alert while the file cannot be used."""

from sqlmodel import select

from access.core import POLICY_LOADED, Core
from access.errors import PolicyError
from access.messages.home import all_homes_changed
from access.models import Alert, AlertKind
from access.monitor.overdue import TIMEKEEPER
from access.monitor.policy_changes import changes
from access.monitor.unanswerable_requests import note_all_waiting
from access.policy_versions import keep_policy, last_policy, last_policy_kept


def note_policy(core: Core) -> None:
    try:
        policy = core.policy.current()
    except PolicyError as error:
        with core.work(TIMEKEEPER) as work:
            work.open_alert(AlertKind.POLICY, "policy", error.sentence, channel=core.security_channel())
        return
    with core.database.read() as session:
        alerted = session.exec(select(Alert.id).filter_by(kind=AlertKind.POLICY, closed_at=None)).first()
        kept = session.exec(last_policy_kept()).first()
        before = last_policy(session) if kept != policy.sha256 else None
    if kept == policy.sha256 and alerted is None:
        return
    # Before the transaction: to read a large policy takes a second.
    known = before if before and before.sha256 != policy.sha256 else None
    changed = changes(known.text, policy, core.providers) if known else {}
    with core.work(TIMEKEEPER) as work:
        last = last_policy(work.session)
        if (last and last.id) != (before and before.id) and kept != policy.sha256:
            return  # another process was faster, and with another one than was compared; this comes again in a second
        if kept != policy.sha256 and keep_policy(work.session, policy, work.now):
            channel = policy.security.channel
            work.record(POLICY_LOADED, policy.sha256, file=policy.file, security_channel=channel, **changed)
            all_homes_changed(work)
            note_all_waiting(work)
        work.close_alerts("policy", AlertKind.POLICY)
