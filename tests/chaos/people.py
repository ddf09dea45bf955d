"""Who asks and who decides meanwhile: most grants are rows as an approval writes them, some go by the verbs."""

import random
import threading
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta

from sqlmodel import select

from access import people
from access.actors import by_slack, system
from access.catalog import Entitlement, PersonEntry
from access.core import Core
from access.errors import PolicyError, Refusal, Unavailable
from access.grants.revoke import return_access
from access.ids import BatchId, MessageId, Person, RequestId, ReviewId, SlackUser, ulid
from access.models import Grant, GrantStatus, Message, MessageKind, Request, RequestStatus, Review, Verdict
from access.policy.decide import Allowed, Ask, decide
from access.policy.facts import VERSION, asked
from access.policy.fingerprint import button_value, fingerprint
from access.requests.review import review, schedule
from access.requests.submit import resolved, submit
from access.unit_of_work import UnitOfWork
from bench.policy import APPROVER
from tests.chaos.city import CROWD

BATCH = 25
LASTS = (5, 15)
"""Seconds; less than the first is not granted to anybody."""
REASON = "INC-12 stuck refunds"


class People:
    """Each thread has a chance of its own from the seed; what the store refuses just then is done again."""

    def __init__(self, core: Core, seed: str) -> None:
        self._core = core
        self._seed = seed
        self._over = threading.Event()
        self.made: set[str] = set()
        """Requests of rows whose commit was answered."""
        self.did: Counter[str] = Counter()

    @contextmanager
    def busy(self, *, grants: int, seconds: float) -> Generator[None]:
        """Makes so many rows over that time, and asks by the verbs meanwhile."""
        threads = [
            threading.Thread(target=self._make_rows, args=(grants, seconds), name="rows"),
            threading.Thread(target=self._ask, name="verbs"),
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _make_rows(self, grants: int, seconds: float) -> None:
        """Spread over the time, and a third of them to end in the same moments."""
        chance = random.Random(f"{self._seed} rows")
        begun, done = time.monotonic(), 0
        while done < grants:
            try:
                self.made |= self._batch(chance)
                done += BATCH
            except Unavailable:
                self.did["the store was away"] += 1
            ahead = begun + seconds * done / grants - time.monotonic()
            if self._over.wait(max(0.1, ahead) * chance.uniform(0.7, 1.0)):
                break
        self.did["granted by rows"] = done

    def _batch(self, chance: random.Random) -> set[str]:
        policy = self._core.policy.current()
        lasts = chance.randint(*LASTS)
        with self._core.work(system("chaos")) as work:
            made = set[str]()
            for _ in range(BATCH):
                slack, entitlement = chance.choice(CROWD.pairs())
                person = policy.person_by_slack(SlackUser(slack))
                assert person is not None
                if chance.random() < 0.6:
                    lasts = chance.randint(*LASTS)
                ask = Ask(
                    requester=person.name, subject=person.name, entitlement=Entitlement.parse(entitlement),
                    duration=timedelta(seconds=lasts), until=None, reason=REASON, at=work.now,
                )  # fmt: skip
                request = self._request(ask, person)
                work.session.add(request)
                work.session.flush()
                work.session.add(_vote(request))
                schedule(self._core, work, request)
                work.session.add(_told(work, request))
                made.add(request.id)
        return made

    def _request(self, ask: Ask, person: PersonEntry) -> Request:
        """Approved, and nobody is told: Slack would be busy with nothing else."""
        policy = self._core.policy.current()
        decision = decide(policy, people.People(policy), ask)
        assert isinstance(decision, Allowed), decision
        terms = decision.terms
        identifier = RequestId(ulid(ask.at))
        facts = asked(identifier, 1, ask, terms)
        return Request(
            id=identifier, batch_id=BatchId(identifier), status=RequestStatus.APPROVED, requester=person.name,
            requester_slack=person.slack, subject=person.name, subject_slack=person.slack,
            duration_s=int((ask.duration or timedelta()).total_seconds()), reason=terms.reason, asked_at=ask.at,
            lapses_at=ask.at, decided_at=ask.at, facts=facts, facts_version=VERSION,
            fingerprint=fingerprint(facts), **resolved(ask, terms, self._core.providers),
        )  # fmt: skip

    def _ask(self) -> None:
        chance = random.Random(f"{self._seed} verbs")
        entitlements = [f"rooms/share{number}" for number in range(3)] * 3 + CROWD.entitlements[:3]
        while not self._over.wait(chance.uniform(0.05, 0.4)):
            who = SlackUser(chance.choice(CROWD.askers).id)
            try:
                self._one(chance, who, chance.choice(entitlements))
            except (Refusal, PolicyError):
                self.did["refused"] += 1
            except Unavailable:
                self.did["the store was away"] += 1

    def _one(self, chance: random.Random, who: SlackUser, entitlement: str) -> None:
        request = submit(
            self._core, requester=by_slack(who), entitlement=entitlement,
            duration=timedelta(seconds=chance.randint(*LASTS)), until=None, reason=REASON, source="line",
        )  # fmt: skip
        button = button_value(request.id, request.version, request.fingerprint)
        review(self._core, button=button, reviewer=by_slack(SlackUser(APPROVER)), verdict=Verdict.APPROVE)
        self.did["granted by the verbs"] += 1
        if chance.random() < 0.3:
            with self._core.database.read() as session:
                mine = select(Grant).filter_by(subject_slack=who, status=GrantStatus.ACTIVE)
                held = session.exec(mine).first()
            if held is not None:
                return_access(self._core, grant_id=held.id, by=by_slack(who))
                self.did["given back"] += 1


def _vote(request: Request) -> Review:
    """Lea's."""
    return Review(
        id=ReviewId(ulid(request.asked_at)), request_id=request.id, version=request.version, reviewer=Person("lea"),
        reviewer_slack=SlackUser(APPROVER), verdict=Verdict.APPROVE, comment="", fingerprint=request.fingerprint,
        at=request.asked_at,
    )  # fmt: skip


def _told(work: UnitOfWork, request: Request) -> Message:
    """Its holder knows already that it ends: the same message twice is one."""
    grant = work.session.exec(select(Grant).filter_by(request_id=request.id)).one()
    return Message(
        id=MessageId(ulid(work.now)), kind=MessageKind.ENDED, subject=grant.id, recipient=grant.subject_slack,
        shown_version=1, delivered_at=work.now, created_at=work.now,
    )  # fmt: skip
