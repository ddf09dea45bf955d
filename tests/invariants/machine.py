"""A machine that asks, decides, breaks, kills and waits, in any order that hypothesis can think of."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar
from unittest.mock import patch

from hypothesis import currently_in_test_context, note
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from redis import Redis

from access.actors import by_slack
from access.errors import AccessError, Unavailable
from access.grants.revoke import return_access, revoke
from access.models import GrantStatus, RequestStatus, Verdict
from access.requests.cancel import cancel
from access.requests.review import review
from access.store import Database
from tests.invariants.checks import Broken, Sight, check, check_the_end
from tests.invariants.choices import ENTITLEMENTS, HANDS, Hand, approvers, askers, at, crashes, people, places, slack
from tests.invariants.commons import ENTRY
from tests.invariants.deciding import Deciding
from tests.invariants.fighting import Fighting
from tests.invariants.hostile import WINDOW
from tests.invariants.leaving import Leaving
from tests.invariants.replays import wrong_replays
from tests.invariants.rules import RESOURCES
from tests.invariants.servers import WEATHERS, Killed
from tests.invariants.watched import WatchedTown

ENDLESS = timedelta(hours=30)
"""Longer than anything can still be due once all is well."""
AFTERWARDS = (61, 61, WINDOW.total_seconds(), 61)
"""What ended last is tidied up in several turns, and looked at until nothing can show there."""


class Life(Deciding, Leaving, Fighting):
    """Subclasses say on which database, and which Redis."""

    redis: ClassVar[Redis]
    lived: ClassVar[Counter[str]] = Counter()
    """Lives and steps so far, of all."""

    @staticmethod
    def emptied() -> AbstractContextManager[Database]:
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.lived["lives"] += 1
        self.ending = ExitStack()
        # By chance, rows would be worked on in another order each time, and no failure could be told twice.
        numbers = count()
        self.ending.enter_context(patch("access.ids.secrets.randbits", lambda _bits: next(numbers)))
        directory = self.ending.enter_context(TemporaryDirectory(prefix="countersign-life-"))
        database = self.ending.enter_context(self.emptied())
        self.town = WatchedTown.watched(database, Path(directory), self.redis)
        self.ending.callback(self.town.copies.forget)
        self.buttons: list[tuple[str, str]] = []
        self.kept = False

    @initialize(opened=st.lists(st.sampled_from(ENTITLEMENTS), max_size=3, unique=True))
    def first(self, opened: list[str]) -> None:
        """Some hold something already: else half of all lives would be over before anybody does. And it is copied."""
        for what in opened:
            self.opens("ann", what, 10, None)
        self.town.copy()

    # People

    @rule(by=askers, what=st.sampled_from(ENTITLEMENTS), minutes=st.sampled_from([1, 10, 60]), crash=crashes)
    def ask(self, by: str, what: str, minutes: int, crash: int | None) -> None:
        self._do(lambda: self.town.ask(by=slack(by), entitlement=what, minutes=minutes), crash)
        self._note_buttons()

    @rule(by=st.sampled_from(["ann", "ben"]), what=st.sampled_from(ENTITLEMENTS), minutes=st.sampled_from([1, 10, 60]),
          crash=crashes)  # fmt: skip
    def opens(self, by: str, what: str, minutes: int, crash: int | None) -> None:
        """Asked, approved by somebody who may, and begun, as on any good day."""
        self.ask(by, what, minutes, None)
        if self.buttons and self.buttons[-1][0] == max((one.id for one in self.town.requests()), default=""):
            request_id, button = self.buttons[-1]
            for one in [*sorted(self.town.rules.leads - {by}), "sam"]:
                self._decide(one, Verdict.APPROVE, request_id, button, None)
        self._do(self.town.settle, crash, keeps=True)

    @rule(by=askers, what=st.sampled_from(ENTITLEMENTS), seconds=st.sampled_from([30, 300, 7200]), crash=crashes)
    def ask_for_later(self, by: str, what: str, seconds: int, crash: int | None) -> None:
        starts_at = self.town.clock.now() + timedelta(seconds=seconds)
        self._do(lambda: self.town.ask(by=slack(by), entitlement=what, minutes=10, starts_at=starts_at), crash)
        self._note_buttons()

    @precondition(lambda self: self._open())
    @rule(which=places, minutes=st.sampled_from([1, 10, 50]), answered=st.sampled_from([True, True, False]),
          crash=crashes)  # fmt: skip
    def extend(self, which: int, minutes: int, answered: bool, crash: int | None) -> None:
        """Asked by its holder, and often approved at once by somebody who may."""
        grant = next(one for one in self.town.grants() if one.id == at(self._open(), which))
        self._do(
            lambda: self.town.extend(grant, by=slack(grant.subject), minutes=minutes),
            None if answered else crash,
        )
        self._note_buttons()
        if answered and self.buttons and self._request(self.buttons[-1][0]).extends == grant.id:
            for one in [*sorted(self.town.rules.leads - {grant.subject}), "sam"]:
                self._decide(one, Verdict.APPROVE, *self.buttons[-1], crash)

    @precondition(lambda self: self.buttons)
    @rule(by=approvers, verdict=st.sampled_from([Verdict.APPROVE] * 4 + [Verdict.DENY]), which=places, crash=crashes)
    def decide(self, by: str, verdict: Verdict, which: int, crash: int | None) -> None:
        """By any button that was ever drawn, of the last four."""
        request_id, button = at(self.buttons[-4:], which)
        self._decide(by, verdict, request_id, button, crash)

    def _decide(
        self, by: str, verdict: Verdict, request_id: str, button: str, crash: int | None, **less: Any
    ) -> None:  # fmt: skip
        before = self._request(request_id).status
        self._do(
            lambda: review(
                self.town.core, button=button, reviewer=by_slack(slack(by)), verdict=verdict, comment="So.", **less
            ),
            crash,
        )
        after, request = self._request(request_id).status, self._request(request_id)
        if before != after == RequestStatus.APPROVED:
            rules = self.town.rules
            waited = self.town.clock.now() - request.asked_at
            if not rules.may_approve(by, request.role, waited=waited) or by == request.requester or rules.broken:
                raise Broken(f"I-3: {by} approved what {request.requester} asked for")
            voted = self.town.approved_by(request.id)
            if len(voted) < len(rules.chain(request.role)) or request.requester in voted:
                raise Broken(f"I-3: {' and '.join(sorted(voted))} approved what wants {rules.chain(request.role)}")
            if request.requester not in rules.engineers:
                raise Broken(f"I-3: approved for {request.requester}, who may not ask any more")
            if request.definition["power"] != rules.power[request.role]:
                raise Broken(f"I-4: {request.role} means {rules.power[request.role]} by now")
        if after == RequestStatus.PENDING:  # a new version may have come of it, with a button of its own
            self.buttons.append((request_id, self.town.button(request)))

    @precondition(lambda self: self.buttons)
    @rule(by=people, which=places, crash=crashes)
    def cancel(self, by: str, which: int, crash: int | None) -> None:
        request_id, _ = at(self.buttons, which)
        self._do(lambda: cancel(self.town.core, request_id=self._request(request_id).id, by=by_slack(slack(by))), crash)

    @precondition(lambda self: self._open())
    @rule(by=st.sampled_from(["ann", "ann", "ben", "eve"]), which=places, crash=crashes)
    def done(self, by: str, which: int, crash: int | None) -> None:
        grant = at(self._open(), which)
        self._do(lambda: return_access(self.town.core, grant_id=grant, by=by_slack(slack(by))), crash)

    @precondition(lambda self: self._open())
    @rule(by=st.sampled_from(["sam", "ann"]), which=places, crash=crashes)
    def revoke(self, by: str, which: int, crash: int | None) -> None:
        grant = at(self._open(), which)
        self._do(
            lambda: revoke(self.town.core, grant_id=grant, by=by_slack(slack(by)), reason="The laptop was stolen."),
            crash,
        )

    # The policy

    @rule(who=st.sampled_from(["ann", "ben", "lea"]))
    def change_engineers(self, who: str) -> None:
        self.town.rules.engineers ^= {who} & self.town.rules.people
        self._rewrite()

    @rule(who=st.sampled_from(["lea", "kim", "sam"]))
    def change_leads(self, who: str) -> None:
        if self.town.rules.leads != {who}:
            self.town.rules.leads ^= {who}
        self._rewrite()

    @rule()
    def change_chain(self) -> None:
        """What waits for its second stage may need it no more, and what is asked by the first alone need both."""
        self.town.rules.two_stages = not self.town.rules.two_stages
        self._rewrite()

    @rule()
    def change_ladder(self) -> None:
        """What waits has steps that the rule has no more, or none of those that it has."""
        self.town.rules.ladder = not self.town.rules.ladder
        self._rewrite()

    @rule(role=st.sampled_from(["read", "fix"]), power=st.sampled_from(["look", "mend", "rule"]))
    def change_role(self, role: str, power: str) -> None:
        self.town.rules.power[role] = power
        self._rewrite()

    @rule(broken=st.sampled_from([False, False, True]))
    def break_or_mend_policy(self, broken: bool) -> None:
        self.town.rules.broken = broken
        self._rewrite()

    # The world

    @rule(server=st.sampled_from(list(RESOURCES.values())), weather=st.sampled_from(("fine", *WEATHERS)))
    def weather(self, server: str, weather: Any) -> None:
        self.town.servers[server].weather = weather

    @precondition(lambda self: self.town.restored_at is None)
    @rule(who=st.sampled_from(["ann", "ben"]), role=st.sampled_from([ENTRY, "look", "mend"]))
    def somebody_is_given_by_hand(self, who: str, role: str) -> None:
        """On the server where grants share. At another moment, or after a restore, nobody could tell it from ours."""
        place = self.town.commons
        if (role, who) not in place.members and not place.later and not self._asked_there(who):
            place.given_by_hand((role, who))

    @rule(what=st.sampled_from(HANDS), which=places)
    def somebody_changes_a_target(self, what: Hand, which: int) -> None:
        """Behind our back."""
        what(self.town, which)

    @rule()
    def redis_is_flushed(self) -> None:
        self.town.flush()

    @rule()
    def the_database_is_copied(self) -> None:
        self.town.copy()

    @rule()
    def an_old_database_is_put_back(self) -> None:
        self.town.restore()
        known = {one.id for one in self.town.requests()}
        self.buttons = [one for one in self.buttons if one[0] in known]
        self.kept = False

    @rule(seconds=st.sampled_from([0, 0, 0, 45]))
    def clocks_differ(self, seconds: int) -> None:
        self.town.clock.offset = timedelta(seconds=seconds)

    @rule(seconds=st.sampled_from([1, 5, 20, 29, 61, 90, 300, 1800, 7200]))
    def nobody_looks_for(self, seconds: int) -> None:
        self.town.clock.tick(seconds=seconds)
        self.kept = False

    @rule(crash=crashes)
    def look(self, crash: int | None) -> None:
        self._do(self.town.turn, crash, keeps=True)

    @rule()
    def look_twice_at_everything(self) -> None:
        self._do(lambda: self.town.turn(again=True), keeps=True)

    @rule(hold=st.sampled_from(["before", "after"]))
    def workers_are_stopped(self, hold: Any) -> None:
        self._do(lambda: self.town.turn(hold=hold), keeps=True)

    @precondition(lambda self: self.town.held)
    @rule(crash=crashes)
    def stopped_workers_go_on(self, crash: int | None) -> None:
        held = self.town.held.pop(0)
        self._do(lambda: self.town.resume(held), crash)

    @rule(seconds=st.sampled_from([10, 120, 900]))
    def all_is_done_in_time_for(self, seconds: int) -> None:
        """Whatever falls due is done when it does, and somebody looks once a minute."""
        end = self.town.clock.now() + timedelta(seconds=seconds)
        self._do(self.town.settle, keeps=True)
        while (now := self.town.clock.now()) < end:
            self.town.clock.time = min(self.town.next_due() or end, now + timedelta(minutes=1), end)
            self._do(self.town.settle, keeps=True)

    # What must hold

    @invariant()
    def everything_holds(self) -> None:
        self.lived["steps"] += 1
        check(Sight.of(self.town), kept=self.kept)

    def teardown(self) -> None:
        """All is well again, and enough time passes."""
        try:
            self._end()
        finally:
            self.ending.close()

    def _end(self) -> None:
        town = self.town
        town.points.left, town.rules.broken, town.clock.offset = None, False, timedelta(0)
        town.rules.write(town.policy_file)
        for server in town.servers.values():
            server.weather = "fine"
            server.footholds.calm()
        town.slack.weather = "fine"
        for seconds in (0, 31, 61, 61, 1000, 4000, 4000, ENDLESS.total_seconds(), *AFTERWARDS):
            town.clock.tick(seconds=seconds)
            town.settle()
        sight = Sight.of(town)
        check(sight, kept=True)
        check_the_end(sight)
        for sentence in wrong_replays(town):
            raise Broken(sentence)

    def _do(self, act: Callable[[], Any], crash: int | None = None, *, keeps: bool = False) -> None:
        """`crash`: how many points are passed before the process dies. A refusal is an answer."""
        self.town.points.left = crash
        try:
            act()
            self.kept = keeps
        except Killed as where:
            self.town.disturbed()
            if currently_in_test_context():
                note(f"killed at {where}")
            self.kept = False
        except AccessError as error:
            if isinstance(error, Unavailable):
                raise
            self.kept = False
        finally:
            self.town.points.left = None

    def _note_buttons(self) -> None:
        known = {request for request, _ in self.buttons}
        self.buttons += [(one.id, self.town.button(one)) for one in self.town.requests() if one.id not in known]

    def _rewrite(self) -> None:
        self.town.rules.write(self.town.policy_file)
        self.kept = False

    def _asked_there(self, who: str) -> bool:
        """Whether something of theirs is under way on the server where grants share."""
        unfinished = [one for one in self.town.grants() if one.id in self._open()]
        return bool(self.town.held) or any(
            (one.subject, one.settings["server"]) == (who, "commons") for one in unfinished
        )

    def _open(self) -> list[Any]:
        return [grant.id for grant in self.town.grants() if grant.status not in (GrantStatus.ENDED, GrantStatus.FAILED)]

    def _request(self, request_id: str) -> Any:
        return next(one for one in self.town.requests() if one.id == request_id)
