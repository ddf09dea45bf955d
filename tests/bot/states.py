"""Every view in every state it can be in, called as its golden file is."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from pydantic import SecretStr

from access.alerts.groups import AlertGroup
from access.approvers import NextStep
from access.catalog import Entitlement
from access.choices import Choices
from access.errors import AlreadyDecided, NotPermitted, NotUsableYet, RateLimited, Transient
from access.grants import unlisted
from access.grants.admission import UNLISTED
from access.grants.end import STILL_THERE
from access.grants.removed_by_hand import ByHand
from access.grants.unlisted import UNWRITTEN
from access.ids import CheckId, GrantId, Person, RequestId, SlackUser
from access.messages.facts import Others
from access.messages.home import WAITING_MOST, HomeFacts, Waiting
from access.models import (
    AlertKind,
    AlertVariant,
    CheckKind,
    EndedBy,
    GrantStatus,
    PeriodicCheck,
    Request,
    RequestStatus,
)
from access.monitor.overdue import late_sentence
from access.monitor.stale_checks import MEMBERS, UNANSWERED, members_unknown, unanswered
from access.monitor.timers import EMPTIED, EMPTIED_SAID
from access.people import People
from access.policy.decide import Denied, decide
from access.policy.objections import what_changed
from access.policy.refusals import refusal_of
from access.policy.shape import DESCRIPTION_LONGEST, TITLE_LONGEST
from access.ports import Secret
from access.queries.mine import Mine
from access.queries.who import Inside
from access.reconcile import drift
from access.reconcile.restored import COMPARE_BY_HAND, UNCOMPARED
from access.requests.extend import OVER
from access.requests.remind import ReminderFacts
from bot.directory import NotAMember
from bot.refusals import OUR_FAULT, POLICY_BROKEN, refusal
from bot.slash_command import COMMANDS
from bot.views.alert import alert_card, group_card
from bot.views.answer import answer, asked, asked_in_modal, ended, looked_at, returned, taken_back, warning
from bot.views.blocks import Rendered
from bot.views.extension import extension_form
from bot.views.form import nothing_to_ask, request_form
from bot.views.help import help_message, what_to_type
from bot.views.home import home, home_notice
from bot.views.mine import mine_list
from bot.views.modals import denial, notice, preparing, revocation, secret_view
from bot.views.reminder import reminder
from bot.views.review import review_card
from bot.views.who import who_list
from tests.access.policy.example import ask, policy
from tests.bot import (
    batch_states,
    chain_states,
    details_states,
    digest_states,
    narrow_states,
    on_behalf_states,
    several_states,
    standing_states,
    undelivered_states,
    why_states,
)
from tests.bot.facts import (
    RIGHTS,
    SENTENCES,
    a_choice,
    a_grant,
    a_preview,
    a_request,
    a_review,
    an_alert,
    an_extendable,
    approved,
    asked_of,
    denied,
    facts,
    history,
    minutes,
    next_step,
    some_rights,
)
from tests.cast import ANN, BEN, KIM, LEA, SAM
from workers import emergency_alert
from workers.member_lookup import GONE
from workers.providers.postgres.cleanup import NOT_TIDIED
from workers.providers.postgres.errors import failure


def no_such_thing(resource: str, role: str) -> Denied:
    sam = Person("sam")
    denied = decide(
        policy(), People(policy()), ask(entitlement=Entitlement(resource, role), requester=sam, subject=sam)
    )
    assert isinstance(denied, Denied), "it may be asked for"
    return denied


NO_SUCH_THING = refusal_of(no_such_thing("customers-db", "read")).sentence
NO_LONGER = what_changed(no_such_thing("customers-db", "read"), ask())
LONGEST_REASON = "\n".join(["<!channel> *why* & `so`".ljust(49, "…")] * 10)[:500]
LONGEST_NAME = "r" * 63

REVOKED = a_grant(
    GrantStatus.ENDED, ended_by=EndedBy.REVOKED, ended_by_person="sam", end_reason="The laptop was stolen."
)
RESIDUAL = a_grant(GrantStatus.ENDED, sessions_ended=None, residual=["A token may live until 16:20 UTC."])
STUCK = a_grant(GrantStatus.REVOKING, problem=Transient().sentence)
REMOVED = a_grant(GrantStatus.REVOKING, removed_at=minutes(123.05), sessions_ended=2)
UNWRITTEN_SAID = emergency_alert.SENTENCE.format(why="OperationalError")
UNLISTED_SAID = unlisted.SENTENCE.format(why="OperationalError")
UNANSWERED_SAID = unanswered(
    PeriodicCheck(id=CheckId("01kaq9z00000000000000000k1"), kind=CheckKind.DRIFT, subject="customers-db",
        due_at=minutes(133),
         problem=Transient().sentence),
    timedelta(minutes=30),
).sentence  # fmt: skip
UNCOMPARED_SAID = COMPARE_BY_HAND.format(resource="wiki")
_ASKED = PeriodicCheck(
    id=CheckId("01kaq9z00000000000000000k2"), kind=CheckKind.MEMBER, subject=ANN, due_at=minutes(133),
    problem="Slack does not answer.",
)  # fmt: skip
MEMBERS_SAID = members_unknown([(_ASKED, minutes(128)), (_ASKED, minutes(130))], minutes(140)).sentence
EMPTIED_ALL = EMPTIED_SAID.format(timers="214 were")
NEVER = {
    "expires_at": None, "activated_at": None, "removed_at": None, "proven_at": None, "sessions_ended": None,
    "ended_at": minutes(18),
}  # fmt: skip
LATE = a_grant(
    GrantStatus.ENDED, **NEVER, ended_by=EndedBy.LATE, end_reason=Transient().sentence, problem=Transient().sentence
)  # fmt: skip
REFUSED = a_grant(
    GrantStatus.ENDED,
    **NEVER | {"ended_at": minutes(3)},
    ended_by=EndedBy.REFUSED,
    end_reason=NO_LONGER,
)
FAILED = a_grant(GrantStatus.FAILED, problem=NotPermitted().sentence)
TRYING = a_grant(GrantStatus.ACTIVATING, problem=RateLimited().sentence)

LEFT_SLACK = GONE["deleted"]
LEFT = a_grant(GrantStatus.ENDED, ended_by=EndedBy.LEFT, end_reason=LEFT_SLACK)
DRIFTED = a_grant(GrantStatus.ENDED, ended_by=EndedBy.DRIFT, end_reason=drift.GONE)

LATER = a_grant(GrantStatus.SCHEDULED, starts_at=minutes(1200), start_by=minutes(1215))
EXTENDED = a_grant(extensions=1, expires_at=minutes(183), end_due_at=minutes(183))
BEHIND = a_grant(
    extensions=1, expires_at=minutes(183), target_expiry_stale_since=minutes(70),
    problem=Transient().sentence,
)  # fmt: skip
MORE_TIME: dict[str, Any] = {
    "id": "01kaq9z0000000000000m0r3tm", "extends": a_grant().id, "duration_s": None, "until": minutes(183),
    "reason": "INC-12: two of the 14 refunds are left", "lapses_at": a_grant().expires_at,
}  # fmt: skip

GRANTS = {
    "scheduled": a_grant(GrantStatus.SCHEDULED),
    "scheduled-later": LATER,
    "activating": a_grant(GrantStatus.ACTIVATING),
    "activating-again": TRYING,
    "active": a_grant(),
    "active-behind": BEHIND,
    "revoking": a_grant(GrantStatus.REVOKING),
    "revoking-removed": REMOVED,
    "revoking-stuck": STUCK,
    "ended": a_grant(GrantStatus.ENDED),
    "ended-no-session": a_grant(GrantStatus.ENDED, sessions_ended=0),
    "ended-returned": a_grant(GrantStatus.ENDED, ended_by=EndedBy.RETURNED, ended_by_person="ann"),
    "ended-revoked": REVOKED,
    "ended-residual": RESIDUAL,
    "ended-late": LATE,
    "ended-refused": REFUSED,
    "ended-left": LEFT,
    "ended-drift": DRIFTED,
    "failed": FAILED,
}

_LONG: dict[str, Any] = {
    "resource": LONGEST_NAME, "role": LONGEST_NAME, "resource_title": "T" * TITLE_LONGEST,
    "role_title": "R" * TITLE_LONGEST, "reason": LONGEST_REASON,
}  # fmt: skip
LONGEST = a_request(**_LONG)
LONGEST_OPEN = facts(
    a_request(**_LONG, status=RequestStatus.APPROVED), a_grant(resource=LONGEST_NAME, role=LONGEST_NAME), a_review()
)
REQUESTS = {
    "pending": facts(history=history(), next=next_step(KIM)),
    "pending-first": facts(),
    "pending-later": facts(a_request(starts_at=minutes(1200))),
    "pending-later-until": facts(a_request(duration_s=None, starts_at=minutes(1200), until=minutes(1300))),
    "pending-extension": facts(a_request(**MORE_TIME), extends=a_grant(), history=history()),
    "extended": facts(a_request(**MORE_TIME, status=RequestStatus.APPROVED), None, a_review(), extends=EXTENDED),
    "extension-too-late": facts(
        a_request(**MORE_TIME, status=RequestStatus.CANCELLED, decided_at=minutes(123), decided_because=OVER)
    ),
    "pending-rights": facts(rights=RIGHTS),
    "pending-until": facts(a_request(duration_s=None, until=minutes(300))),
    "pending-others": facts(
        a_request(requester="ben", requester_slack=BEN, subject="ben", subject_slack=BEN),
        others=Others(times=4, last_approved_by=Person("kim")),
    ),
    "pending-longest": facts(
        LONGEST,
        approvers=[f"U0{number:09}" for number in range(60)],
        history=history(),
        description="<!channel> *" + "d" * (DESCRIPTION_LONGEST - 12),
    ),
    "denied": denied(),
    "denied-longest": denied(LONGEST_REASON),
    "lapsed": facts(a_request(status=RequestStatus.LAPSED)),
    "cancelled": facts(a_request(status=RequestStatus.CANCELLED, decided_at=minutes(2))),
    "cancelled-left": facts(
        a_request(status=RequestStatus.CANCELLED, decided_at=minutes(2), decided_because=LEFT_SLACK)
    ),
}
CHOICES = Choices(
    [
        a_choice(role="read", role_title="Read customers, without cards"),
        a_choice(role="fix-orders", role_title="Correct the status of an order", longest=timedelta(minutes=30)),
        a_choice(role="read", role_title="Read the logs of the shop", resource_id="logs", resource_title="Logs"),
    ]
)
LATER_ORDERS = a_grant(
    GrantStatus.SCHEDULED, id=GrantId("01kaq9z0000000000000n5w8rd"), role="read-orders", starts_at=minutes(1200),
    start_by=minutes(1215),
)  # fmt: skip
MANY = Choices(
    [
        a_choice(role=f"orders-{month:%Y-%m}", role_title=f"Read the orders of {month:%B %Y}")
        for month in (date(2018 + number // 12, number % 12 + 1, 1) for number in range(101))
    ]
)
WAITED_FOR = a_request(role="fix-orders")
FIFTEEN = [SlackUser(f"U0{number:09}") for number in range(15)]
ENDING = a_grant(GrantStatus.REVOKING, id=GrantId("01kaq9z0000000000000b4k2mp"), resource="logs")
WAITING_FOR_KIM = (
    a_request(requester="ben", requester_slack=BEN, subject="ben", subject_slack=BEN, id="01kaq9z0000000000000t3r5wd"),
    a_request(
        requester="lea", requester_slack=LEA, subject="lea", subject_slack=LEA, id="01kaq9z0000000000000h8n2cx",
        role="fix-orders", duration_s=None, until=minutes(300),
        reason="The same 14 refunds: setting them to paid once the customers are told",
    ),
)  # fmt: skip
BY_HAND = ByHand(person=SAM, at=minutes(139))
KEPT = a_grant(GrantStatus.REVOKING, problem=STILL_THERE)
_STATEMENTS = [f"SELECT pg_terminate_backend({number}) -- {'x' * 100}" for number in range(100)]


def reminding(
    request: Request | None = None, named: Sequence[SlackUser] = (KIM, LEA), then: NextStep | None = None
) -> ReminderFacts:
    return ReminderFacts(request=request or a_request(), named=list(named), card=None, now=minutes(15), next=then)


def at_home(mine: Mine | None, *asked: Request, more: int = 0) -> dict[str, Any]:
    facts = HomeFacts(mine=mine, waiting=[Waiting(request=one, card=None) for one in asked], more=more)
    own = mine.requests if mine else []
    return home(facts, links_to(*own, *asked[1:]))


def links_to(*requests: Request) -> dict[RequestId, str]:
    return {one.id: f"https://acme.slack.com/archives/C0PAYAPPR/p1?a=1&b={one.id}" for one in requests}


def a_group(kind: AlertKind = AlertKind.OVERDUE, number: int = 200, **values: Any) -> AlertGroup:
    said = [re.sub(r"\bann\b", person, SENTENCES[kind]) for person in ("ann", "ben", "lea", "kim", "eve")]
    known: dict[str, Any] = {
        "resource": "customers-db",
        "number": number,
        "closed": 0,
        "oldest": minutes(133),
        "first": said[:number],
        "undelivered": [],
    }
    return AlertGroup(**(known | values))


MANY_LATE = an_alert(subject="customers-db/*", resource="customers-db", variant=AlertVariant.GROUP)
STORM = a_group()
ONE_LEFT = a_group(number=1, closed=199)
NONE_LEFT = a_group(number=0, closed=200, oldest=None)
LONGEST_STORM = a_group(
    number=1_234_567,
    resource=LONGEST_NAME,
    first=[f"{LONGEST_NAME}/{LONGEST_NAME} of {LONGEST_NAME} {'and ' * 200}"] * 5,
)


LEFTOVER = [NOT_TIDIED.format(database="shop", why=failure("55P03", changes=True).sentence)]


def _all() -> dict[str, Rendered | dict[str, Any]]:
    many = [
        a_choice(number, role=f"{number:02}" + "s" * 61, role_title=f"{number} " + "t" * 200) for number in range(100)
    ]
    grants = {name: approved(grant) for name, grant in GRANTS.items()}
    views: dict[str, Rendered | dict[str, Any]] = {}
    for name, shown in (REQUESTS | grants).items():
        there = "https://acme.slack.com/archives/D0ANN/p1763992800000100" if name == "extended" else None
        views[f"card-{name}"] = review_card(shown, there)
        if not name.startswith("pending"):  # who asked is answered when it is decided
            views[f"answer-{name}"] = answer(shown, there)
    for name in ("ended", "ended-returned", "ended-revoked", "ended-residual", "ended-late", "ended-drift", "failed"):
        views[f"over-{name}"] = ended(grants[name])
    for kind in AlertKind:
        row = (
            STUCK
            if kind in (AlertKind.OVERDUE, AlertKind.UNREMOVABLE)
            else a_grant(GrantStatus.REVOKING)
            if kind == AlertKind.DRIFT
            else a_grant(GrantStatus.ENDED, leftover=LEFTOVER)
            if kind == AlertKind.LEFTOVER
            else None
        )
        views[f"alert-{kind}"] = alert_card(an_alert(kind), row)
        closed = an_alert(kind, closed_at=minutes(150))
        views[f"alert-{kind}-closed"] = alert_card(closed, row)
    views["alert-rights"] = alert_card(an_alert(AlertKind.RIGHTS), None, rights=some_rights())
    canary = a_grant(
        GrantStatus.REVOKING, requester="the canary", subject="the canary", subject_slack="", role="canary",
        problem=STUCK.problem,
    )  # fmt: skip
    views["alert-overdue-canary"] = alert_card(an_alert(sentence=late_sentence(canary, minutes(133))), canary)
    long_plan = a_grant(GrantStatus.REVOKING, plan={"revoke": _STATEMENTS})
    return views | {
        "card-superseded": review_card(facts(a_request(version=2), version=1)),
        "answer-longest": answer(LONGEST_OPEN),
        "asked": asked(facts(next=next_step(KIM, LEA))),
        "asked-for-more-time": asked(facts(a_request(**MORE_TIME), extends=a_grant())),
        "asked-one": asked(facts(approvers=["U0LEA"], usually=None)),
        "asked-many": asked(
            facts(approvers=FIFTEEN, usually=timedelta(minutes=95), next=next_step(*FIFTEEN[:5])),
        ),
        "warning": warning(facts(None, a_grant(), extendable=True)),
        "warning-not-extendable": warning(approved(a_grant())),
        "warning-extended": warning(facts(None, EXTENDED, version=1)),
        "warning-longest": warning(LONGEST_OPEN),
        "warning-revoking": warning(approved(a_grant(GrantStatus.REVOKING))),
        "warning-ended": warning(approved(a_grant(GrantStatus.ENDED))),
        "reminder": reminder(reminding(then=next_step(KIM, LEA))),
        "reminder-nobody": reminder(reminding(named=[])),
        "reminder-asked-too": reminder(replace(reminding(named=[SAM]), adds=True)),
        "answer-unanswerable": answer(facts(unanswerable="Stage 2 lacks an approval that only sam could have given.")),
        "asked-who-is-asked-too": asked(facts(next=replace(next_step(SAM), adds=True))),
        "reminder-longest": reminder(reminding(LONGEST, [SlackUser(f"U0{number:09}") for number in range(60)])),
        "home": at_home(
            Mine(
                requests=[WAITED_FOR],
                grants=[a_grant(), LATER_ORDERS, ENDING],
                extendable=frozenset([a_grant().id]),
                asked={WAITED_FOR.id: asked_of(LEA, SAM, next_step=next_step(LEA, SAM))},
            ),
            *WAITING_FOR_KIM,
        ),
        "home-empty": at_home(Mine(requests=[], grants=[])),
        "home-longest": at_home(
            Mine(
                requests=[LONGEST] * 30,
                grants=[a_grant(resource=LONGEST_NAME, role=LONGEST_NAME)] * 30,
                extendable=frozenset([a_grant().id]),
                asked={LONGEST.id: asked_of(*FIFTEEN)},
            ),
            *[LONGEST] * WAITING_MOST,
            more=200,
        ),
        "home-stranger": at_home(None),
        "home-refused": home_notice(NotAMember().sentence),
        "returned": returned(a_grant()),
        "returned-before-it-opened": returned(a_grant(GrantStatus.ENDED, **NEVER)),
        "looked-at": looked_at(a_grant(GrantStatus.REVOKING)),
        "taken-back": taken_back(a_request()),
        "alert-longest": alert_card(an_alert(), long_plan),
        "alert-by-hand": alert_card(an_alert(), a_grant(GrantStatus.REVOKING), BY_HAND),
        "alert-by-hand-still-there": alert_card(an_alert(), KEPT, BY_HAND),
        "alert-by-hand-longest": alert_card(
            an_alert(),
            a_grant(GrantStatus.REVOKING, resource=LONGEST_NAME, role=LONGEST_NAME, subject=LONGEST_NAME),
        ),
        "alert-many": group_card(MANY_LATE, STORM),
        "alert-many-one-left": group_card(MANY_LATE, ONE_LEFT),
        "alert-many-closed": group_card(
            an_alert(
                subject="customers-db/*", resource="customers-db", variant=AlertVariant.GROUP, closed_at=minutes(163)
            ),
            NONE_LEFT,
        ),
        "alert-many-unremovable": group_card(
            an_alert(
                AlertKind.UNREMOVABLE, subject="customers-db/*", resource="customers-db", variant=AlertVariant.GROUP
            ),
            a_group(AlertKind.UNREMOVABLE),
        ),
        "alert-many-drift": group_card(
            an_alert(AlertKind.DRIFT, subject="customers-db/*", resource="customers-db", variant=AlertVariant.GROUP),
            a_group(AlertKind.DRIFT),
        ),
        "alert-many-longest": group_card(MANY_LATE, LONGEST_STORM),
        "alert-unwritten": alert_card(
            an_alert(AlertKind.SWEEP, subject=UNWRITTEN, variant=AlertVariant.UNWRITTEN, sentence=UNWRITTEN_SAID), None
        ),
        "alert-unlisted": alert_card(
            an_alert(AlertKind.SWEEP, subject=UNLISTED, variant=AlertVariant.UNLISTED, sentence=UNLISTED_SAID), None
        ),
        "alert-emptied": alert_card(
            an_alert(AlertKind.TIMERS, subject=EMPTIED, variant=AlertVariant.EMPTIED, sentence=EMPTIED_ALL), None
        ),
        "alert-unanswered": alert_card(
            an_alert(
                AlertKind.DRIFT,
                subject=f"customers-db {UNANSWERED}",
                variant=AlertVariant.UNANSWERED,
                sentence=UNANSWERED_SAID,
            ),
            None,
        ),
        "alert-uncompared": alert_card(
            an_alert(
                AlertKind.DRIFT, subject=f"wiki {UNCOMPARED}", variant=AlertVariant.UNCOMPARED, sentence=UNCOMPARED_SAID
            ),
            None,
        ),
        "alert-members": alert_card(
            an_alert(AlertKind.SWEEP, subject=MEMBERS, variant=AlertVariant.MEMBERS, sentence=MEMBERS_SAID), None
        ),
        "alert-long-sentence": alert_card(an_alert(AlertKind.POLICY, sentence=SENTENCES[AlertKind.POLICY] * 60), None),
        "alert-without-plan": alert_card(an_alert(), a_grant(GrantStatus.REVOKING, plan={})),
        "form": request_form(CHOICES),
        "form-chosen": request_form(CHOICES, a_preview()),
        "form-chosen-rights": request_form(
            CHOICES, a_preview(rights=RIGHTS, asked=asked_of(KIM, LEA, next_step=next_step(KIM, asked=False)))
        ),
        "form-chosen-one-approver": request_form(
            CHOICES, a_preview(asked=asked_of(LEA, usually=None), reason_min=0, end_means="", description="")
        ),
        "form-chosen-unreachable": request_form(CHOICES, a_preview(unreachable=undelivered_states.NEVER_ASKED)),
        "form-refused": request_form(CHOICES, NO_SUCH_THING),
        "nothing-to-ask": nothing_to_ask(),
        "form-longest": request_form(
            Choices(many), a_preview(asked=asked_of(*FIFTEEN), description="d" * DESCRIPTION_LONGEST)
        ),
        "form-external": request_form(MANY),
        "extension": extension_form(an_extendable()),
        "extension-asked-again": extension_form(an_extendable(), longer="30m", reason=MORE_TIME["reason"]),
        "extension-longest": extension_form(
            an_extendable(a_grant(resource=LONGEST_NAME, role=LONGEST_NAME)), longer="30m", reason=LONGEST_REASON
        ),
        "denial": denial(a_request(), "{}"),
        "revocation": revocation(a_grant()),
        "revocation-before-it-opened": revocation(a_grant(GrantStatus.SCHEDULED)),
        "preparing": preparing(),
        "secret": secret_view(
            Secret(
                fields=(("Host", SecretStr("db.example")), ("Password", SecretStr("made for this picture"))),
                environment={"PGHOST": "Host", "PGPASSWORD": "Password", "PGSSLMODE": "verify-full"},
                note="Works until the access ends.",
            )
        ),
        "notice": notice("How to connect", NotUsableYet().sentence),
        "modal-asked": asked_in_modal(facts()),
        "refusal": refusal(AlreadyDecided().sentence),
        "refusal-fault": refusal(OUR_FAULT),
        "refusal-of-hostile-words": refusal(refusal_of(no_such_thing("<!channel>", "*read*")).sentence),
        "refusal-policy-broken": refusal(POLICY_BROKEN),
        "help": help_message((command.usage, command.meaning) for command in COMMANDS),
        "message-answer": what_to_type(),
        "mine-empty": mine_list(Mine(requests=[], grants=[]), minutes(60), {}),
        "mine": mine_list(
            Mine(
                requests=[a_request(**MORE_TIME), WAITED_FOR],
                grants=[a_grant(), LATER_ORDERS, ENDING],
                extendable=frozenset([a_grant().id]),
                asked={
                    WAITED_FOR.id: asked_of(KIM, LEA, next_step=next_step(LEA)),
                    MORE_TIME["id"]: asked_of(LEA, usually=None),
                },
            ),
            minutes(60),
            links_to(WAITED_FOR),
        ),
        "who-empty": who_list([], minutes(60)),
        "who": who_list(
            [
                Inside(grant=a_grant(), approved_by=(Person("lea"),), reason="INC-12 stuck refunds"),
                Inside(grant=ENDING, approved_by=(Person("kim"),), reason="INC-14 a wrong address"),
            ],
            minutes(60),
        ),
        "who-longest": who_list(
            [Inside(grant=a_grant(), approved_by=(Person("lea"), Person("kim")), reason=LONGEST.reason)] * 40,
            minutes(60),
        ),
        "mine-longest": mine_list(
            Mine(requests=[LONGEST] * 30, grants=[a_grant()] * 15, asked={LONGEST.id: asked_of(*FIFTEEN)}),
            minutes(60),
            links_to(LONGEST),
        ),
    }


ALL = (
    _all() | chain_states.STATES | digest_states.STATES | narrow_states.STATES | standing_states.STATES
    | undelivered_states.STATES | why_states.STATES | on_behalf_states.STATES | several_states.STATES
    | details_states.STATES | batch_states.STATES
)  # fmt: skip
MESSAGES = {name: view for name, view in ALL.items() if isinstance(view, Rendered)}
MODALS = {name: view for name, view in ALL.items() if isinstance(view, dict) and view["type"] == "modal"}
HOMES = {name: view for name, view in ALL.items() if isinstance(view, dict) and view["type"] == "home"}
