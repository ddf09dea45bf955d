"""Which policy is in force: written down when it is another one, and an alert while the file cannot be used."""

from sqlmodel import select

from access.core import POLICY_LOADED, Core
from access.errors import PolicyError
from access.messages.home import all_homes_changed
from access.models import Alert, AlertKind
from access.monitor.overdue import TIMEKEEPER
from access.policy_versions import keep_policy, last_policy_kept


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
    if kept == policy.sha256 and alerted is None:
        return
    with core.work(TIMEKEEPER) as work:
        if kept != policy.sha256 and keep_policy(work.session, policy, work.now):
            channel = policy.security.channel
            work.record(POLICY_LOADED, policy.sha256, file=policy.file, security_channel=channel)
            all_homes_changed(work)
        work.close_alerts("policy", AlertKind.POLICY)
