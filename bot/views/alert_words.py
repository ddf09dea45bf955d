"""What each kind of alert is called, and what to do about it."""

from access.models import Alert, AlertKind, AlertVariant
from bot.views import standing as standing_view
from bot.views import undelivered as undelivered_view
from bot.views.blocks import escaped

TITLES = {
    AlertKind.OVERDUE: "Access may outlive its end",
    AlertKind.UNREMOVABLE: "Access cannot be removed",
    AlertKind.PROVIDER: "A provider is disabled",
    AlertKind.POLICY: "The access policy cannot be used",
    AlertKind.TIMEKEEPING: "No timekeeper is running",
    AlertKind.QUEUE: "Jobs wait and no worker takes them",
    AlertKind.JOBS: "Jobs were refused or failed",
    AlertKind.SWEEP: "The sweep of the database fails",
    AlertKind.TIMERS: "Redis cannot be used",
    AlertKind.DRIFT: "A target is not as we left it",
    AlertKind.LEFTOVER: "Ended access has left something behind",
    AlertKind.RIGHTS: "A role allows more than before",
    AlertKind.CANARY: "The canary failed",
    AlertKind.CLOCKS: "Clocks differ",
    AlertKind.RESTORED: "The database was restored",
    AlertKind.STANDING: standing_view.TITLE,
    AlertKind.UNDELIVERED: undelivered_view.TITLE,
    AlertKind.UNANSWERABLE: "No one can approve a request",
}
WHAT_TO_DO = {
    AlertKind.OVERDUE: "We keep trying until it is proven gone. If the target stays away, end it by hand.",
    AlertKind.UNREMOVABLE: "Remove the cause named above, or end it by hand. It is looked at again by itself.",
    AlertKind.PROVIDER: "Correct its settings and start the workers again. Until then nothing new is granted on it.",
    AlertKind.POLICY: "Correct the file; it is read anew by itself. Until then nothing new is granted, and what is "
    "open still ends on time.",
    AlertKind.TIMEKEEPING: "Start `countersign timekeeper`, on any host. Until then access neither starts nor ends by "
    "itself; `countersign outstanding` prints what ends it by hand.",
    AlertKind.QUEUE: "Start `countersign worker {queue}`, on any host, or see its log. What waits for more than a "
    "minute and a half is done by the timekeeper.",
    AlertKind.JOBS: "See the logs of the workers, and ask `countersign doctor`. What a lost job was to do is found by "
    "the sweep and done all the same.",
    AlertKind.SWEEP: "See the log of the timekeeper. Timers still fire; what was lost on the way is not found again "
    "before the sweep works.",
    AlertKind.TIMERS: "Bring Redis back; `countersign doctor` says what it refuses. Nothing is lost meanwhile.",
    AlertKind.DRIFT: "Find out who changed it there. What a grant of ours explains is ended by itself; anything "
    "else is left alone, for you to remove or to keep.",
    AlertKind.LEFTOVER: "It gives no access. Remove what is in the way, or type the statements if there are any below; "
    "it is looked at again each minute, and this closes when nothing is left.",
    AlertKind.RIGHTS: "Find out who gave it on the target, and why. Take it away there, or let the security team press "
    "Accept. Until then the role is still granted, and the form and the cards say what is new.",
    AlertKind.CANARY: "What fails for harmless access is likely to fail for people's: see the other alerts, and ask "
    "`countersign doctor`. The canary runs again by itself, and this closes with the next run that goes well.",
    AlertKind.CLOCKS: "Let that host and the database's keep time by NTP; `timedatectl` says whether they do. Until "
    "then nothing new is granted from there, and what is open still ends on time.",
    AlertKind.RESTORED: "Let a timekeeper and the workers run: they compare every target and end what has no record. "
    "`countersign restored` says what is left; docs/runbook.md says what is lost.",
    AlertKind.STANDING: standing_view.WHAT_TO_DO,
    AlertKind.UNANSWERABLE: "Add a person to one of these groups in the access policy, or name another group in the "
    "rule: the request then goes on by itself. Nothing is granted meanwhile, and the requester knows.",
    AlertKind.UNDELIVERED: "`countersign doctor` says under *Messages* which, why, and what to do.",
}
_EMPTIED = (
    "Redis had lost its timers",
    "Find out who emptied it, or see that it keeps what it holds (`countersign doctor`). Nothing is lost: what was due "
    "meanwhile was found in the database. This closes when timers and rows have been compared.",
)
_FOREIGN = (
    "Redis holds what we did not write",
    "Find out who can write into Redis: change its password, and look who can reach its port. If only the job key was "
    "exchanged, nothing is to be done. This closes by itself after five minutes.",
)
_UNLISTED = (
    "What is overdue cannot be listed",
    "See why the database does not answer: `countersign doctor`, and the log of the bot. Until it can be listed, "
    "nothing new is taken; what is open still ends.",
)
_UNWRITTEN = (
    "The database cannot be written",
    "Bring it back; `countersign doctor` says what it answers. Until then end by hand what must not stay open: only a "
    "target that knows the end of access itself keeps to it.",
)
_UNANSWERED = (
    "A target cannot be looked at",
    "Bring it or the bot's way to it back: `countersign doctor` says what it answers, `countersign drift` asks it "
    "again now. What is open there ends all the same as soon as it answers; this closes with the next good look.",
)
_UNCOMPARED = (
    "A target must be compared by hand",
    "Compare it with what `countersign outstanding` prints and with the cards "
    "in Slack, and take away what has no record; docs/runbook.md says how. Then type `countersign restored --over`.",
)
_MEMBERS = (
    "Slack does not say who has left",
    "See why Slack does not answer: the log of `countersign worker tell`, and `countersign doctor`. If you know "
    "that a person has left, revoke what they hold. This closes when Slack has answered about every person.",
)
_CHANGED = (
    "A record was changed after its approval",
    "Find out who can write the database, and who did; `countersign audit verify` says whether the log holds. What was "
    "not open yet is not given. What is open ends as it was approved, at the earlier end.",
)
_OF_ITS_OWN: dict[tuple[AlertKind, str], tuple[str, str]] = {
    (AlertKind.DRIFT, AlertVariant.CHANGED): _CHANGED,
    (AlertKind.DRIFT, AlertVariant.UNANSWERED): _UNANSWERED,
    (AlertKind.DRIFT, AlertVariant.UNCOMPARED): _UNCOMPARED,
    (AlertKind.SWEEP, AlertVariant.MEMBERS): _MEMBERS,
    (AlertKind.TIMERS, AlertVariant.EMPTIED): _EMPTIED,
    (AlertKind.JOBS, AlertVariant.FOREIGN_MARK): _FOREIGN,
    (AlertKind.SWEEP, AlertVariant.UNLISTED): _UNLISTED,
    (AlertKind.SWEEP, AlertVariant.UNWRITTEN): _UNWRITTEN,
}
MANY_AT_ONCE = {
    AlertKind.OVERDUE: "Mend the target, or the bot's way to it; we keep trying until each is proven gone.",
    AlertKind.UNREMOVABLE: "Remove the cause named above; it is probably the same for all. Each is looked at again.",
    AlertKind.LEFTOVER: "None of it gives access. Remove what is in the way of tidying up; each is looked at again.",
    AlertKind.DRIFT: "Find out who changed so much there. What grants of ours explain is ended by itself; anything "
    "else is left alone.",
}
ALL_OF_THEM = (
    "`countersign outstanding` prints every statement that ends access by hand; `countersign doctor` lists every alert."
)


def titled(alert: Alert) -> tuple[str, str]:
    """What it is called, and what to do."""
    kind = AlertKind(alert.kind)
    title, to_do = _OF_ITS_OWN.get((kind, alert.variant), (TITLES[kind], WHAT_TO_DO[kind]))
    return title, to_do.replace("{queue}", escaped(alert.subject)) if kind == AlertKind.QUEUE else to_do
