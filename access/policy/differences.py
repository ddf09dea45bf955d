"""What another policy changes, in words: computed of what people can have in the end, and not of the text. Pure.

A line says whether more can be had by it, or more easily. What cannot be shown to be no more is said to be.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from access.catalog import Entitlement, Policy, Rule
from access.durations import format_duration
from access.ids import Person
from access.policy.effective import Effective, Reach
from access.words import counted

_NAMED = 3
"""So many people or entitlements are named in a line; the others are counted."""


_Crowds = Sequence[tuple[frozenset[Person], frozenset[Person]]]
"""Who can ask, and for whom."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    sentence: str
    is_wider: bool
    """More can be had than before, or more easily."""


@dataclass(frozen=True)
class _Finding:
    """A sentence around the entitlements that it is true of."""

    before: str
    after: str
    is_wider: bool


def differences(old: Policy, new: Policy) -> tuple[Difference, ...]:
    """Empty if and only if everybody can have the same by the same approvals. The wider ones come first."""
    found = [*_of_people(old, new), *_Comparison(Effective(old), Effective(new)).lines()]
    return tuple(sorted(found, key=lambda one: not one.is_wider))


def _of_people(old: Policy, new: Policy) -> Iterator[Difference]:
    for name in sorted(old.people.keys() & new.people.keys()):
        before, now = old.people[name].slack, new.people[name].slack
        if before != now:
            yield Difference(sentence=f"{name} is the Slack account {now} now, and not {before}", is_wider=True)
    was, is_now = old.members([old.security.group]), new.members([new.security.group])
    if is_now - was:
        yield Difference(sentence=f"{_are(is_now - was)} in the security team now", is_wider=True)
    if was - is_now:
        yield Difference(sentence=f"{_are(was - is_now)} no longer in the security team", is_wider=False)
    if old.extensions != new.extensions:
        times, before = counted(new.extensions, "time", "times"), f"{old.extensions:,}"
        sentence = f"open access can be extended {times} instead of {before}"
        yield Difference(sentence=sentence, is_wider=new.extensions > old.extensions)


@dataclass
class _Comparison:
    old: Effective
    new: Effective
    _pairs: dict[Any, tuple[_Finding, ...]] = field(default_factory=dict[Any, tuple[_Finding, ...]])
    """What two rules make of all entitlements of the same owner and level."""
    _crowds: dict[Any, tuple[frozenset[Person], ...]] = field(default_factory=dict[Any, tuple[frozenset[Person], ...]])
    _on_behalf: dict[Any, tuple[_Finding, ...]] = field(default_factory=dict[Any, tuple[_Finding, ...]])

    def lines(self) -> Iterator[Difference]:
        """One for all the entitlements of which the same is true."""
        about: dict[_Finding, list[Entitlement]] = {}
        for entitlement in sorted(self.old.opened | self.new.opened):
            for finding in self._of(entitlement):
                about.setdefault(finding, []).append(entitlement)
        for one, entitlements in about.items():
            what = _listed([str(entitlement) for entitlement in entitlements])
            yield Difference(sentence=f"{one.before}{what}{one.after}", is_wider=one.is_wider)

    def _of(self, entitlement: Entitlement) -> Iterator[_Finding]:
        was, is_now = self.old.policy.rules_opening(entitlement), self.new.policy.rules_opening(entitlement)
        asked, asking, both = self._people(was, is_now)
        yield from _eligible(asked, asking, is_new=not self._is_in(self.old, entitlement),
                             is_removed=not self._is_in(self.new, entitlement))  # fmt: skip
        yield from self._for_others(was, is_now, both)
        if not both:
            return
        yield from self._means(entitlement, both)
        for before in was:
            for now in is_now:
                yield from self._pair(entitlement, before, now)

    def _people(self, was: Sequence[Rule], is_now: Sequence[Rule]) -> tuple[frozenset[Person], ...]:
        """Who could ask by the ones, who can by the others, and who by both; once for all that these rules open."""
        key = tuple(rule.id for rule in was), tuple(rule.id for rule in is_now)
        if key not in self._crowds:
            asked, asking = self.old.asking(was), self.new.asking(is_now)
            self._crowds[key] = asked, asking, asked & asking
        return self._crowds[key]

    def _for_others(
        self, was: Sequence[Rule], is_now: Sequence[Rule], both: frozenset[Person]
    ) -> tuple[_Finding, ...]:  # fmt: skip
        """Who can ask for others, once for all that these rules open. `both`: who could receive it and still can."""
        key = tuple(rule.id for rule in was), tuple(rule.id for rule in is_now)
        if key not in self._on_behalf:
            self._on_behalf[key] = tuple(_asked_for(self.old.crowds(was), self.new.crowds(is_now), both))
        return self._on_behalf[key]

    @staticmethod
    def _is_in(side: Effective, entitlement: Entitlement) -> bool:
        return side.policy.entitlement(entitlement) is not None

    def _means(self, entitlement: Entitlement, both: frozenset[Person]) -> Iterator[_Finding]:
        """What is opened by its name, and for whom on the target."""
        (resource, role), (resource_now, role_now) = self.old.known(entitlement), self.new.known(entitlement)
        changed = ["provider"] if resource.provider != resource_now.provider else []
        changed += _changed(resource.settings, resource_now.settings)
        changed += _changed(role.definition, role_now.definition)
        if changed:
            words = ", ".join(f"`{word}`" for word in dict.fromkeys(changed))
            yield _Finding("", f" opens something else on its target: {words} changed", True)
        for name in sorted(both & self._renamed):
            before = self.old.policy.people[name].principal(resource)
            now = self.new.policy.people[name].principal(resource_now)
            if before != now:
                yield _Finding(f"{name} gets ", f" as `{now}` instead of `{before}`", True)

    @cached_property
    def _renamed(self) -> frozenset[Person]:
        """Whose names on targets were changed."""
        old, new = self.old.policy.people, self.new.policy.people
        return frozenset(name for name in old.keys() & new.keys() if old[name].names != new[name].names)

    def _pair(self, entitlement: Entitlement, before: Rule, now: Rule) -> tuple[_Finding, ...]:
        """Of those who could ask by the one rule and can by the other."""
        key = self.old.terms_key(before, entitlement), self.new.terms_key(now, entitlement)
        if key not in self._pairs:
            people = self.old.asking([before]) & self.new.asking([now])
            bearing = self.old.bearing(before, entitlement), self.new.bearing(now, entitlement)
            alone = people if None in bearing else people & frozenset[Person]().union(*filter(None, bearing))
            # Of all others the chain is the same, so that one stands for them.
            compared = [*sorted(alone), *sorted(people - alone)[:1]]
            reaches = [
                (self.old.reach(before, entitlement, one), self.new.reach(now, entitlement, one)) for one in compared
            ]
            self._pairs[key] = tuple(_changes(reaches, now))
        return self._pairs[key]


def _eligible(
    asked: frozenset[Person], asking: frozenset[Person], *, is_new: bool, is_removed: bool
) -> Iterator[_Finding]:
    if asked == asking:
        return
    gained, lost = asking - asked, asked - asking
    if gained and is_new:
        yield _Finding("new: ", f", for which {_people(gained)} can ask", True)
    elif gained:
        yield _Finding(f"{_people(gained)} can ask for ", " now", True)
    if lost and is_removed:
        yield _Finding("removed: ", f", for which {_people(lost)} could ask", False)
    elif lost:
        yield _Finding(f"{_people(lost)} can no longer ask for ", "", False)


def _asked_for(before: _Crowds, now: _Crowds, both: frozenset[Person]) -> Iterator[_Finding]:
    """Of those who could ask for others and still can, only for whom of them who can receive it as before."""
    if before == now:
        return
    was, is_now = _receivers(before), _receivers(now)
    gained, lost = is_now.keys() - was.keys(), was.keys() - is_now.keys()
    kept = was.keys() & is_now.keys()
    if gained:
        yield _Finding(f"{_people(gained)} can ask for ", " for others now", True)
    if more := [one for one in kept if (is_now[one] - was[one]) & both]:
        yield _Finding(f"{_people(more)} can ask for ", " for more others now", True)
    if fewer := [one for one in kept if (was[one] - is_now[one]) & both]:
        yield _Finding(f"{_people(fewer)} can ask for ", " for fewer others now", False)
    if lost:
        yield _Finding(f"{_people(lost)} can no longer ask for ", " for others", False)


def _receivers(crowds: _Crowds) -> dict[Person, set[Person]]:
    """Of each who can ask for others, for whom."""
    found: dict[Person, set[Person]] = {}
    for asking, receiving in crowds:
        for one in asking:
            if others := receiving - {one}:
                found.setdefault(one, set()).update(others)
    return found


def _changes(reaches: Iterable[tuple[Reach, Reach]], rule: Rule) -> Iterator[_Finding]:
    """What is different for any of those who ask by this rule."""
    pairs = [(before, now) for before, now in reaches if before != now]
    by = f", by rule `{rule.id}`"
    for before, now in pairs[:1]:  # the times and the numbers of approvals are the same for all of a rule
        if now.longest != before.longest:
            times = f"{format_duration(now.longest)} instead of {format_duration(before.longest)}"
            yield _Finding("", f" can be had for up to {times}{by}", now.longest > before.longest)
    for number, earlier in sorted({(now.approvals, before.approvals) for before, now in pairs}):
        if number != earlier:
            approvals = counted(number, "approval", "approvals")
            yield _Finding("", f" needs {approvals} instead of {earlier:,}{by}", number < earlier)
    yield from _approvers(pairs)
    yield from _order(pairs, by)
    yield from _later(pairs)


def _approvers(pairs: Iterable[tuple[Reach, Reach]]) -> Iterator[_Finding]:
    added, removed = set[Person](), set[Person]()
    for before, now in pairs:
        added |= now.approvers - before.approvers
        removed |= before.approvers - now.approvers
    if added:
        yield _Finding(f"{_people(added)} can approve ", " now", True)
    if removed:
        yield _Finding(f"{_people(removed)} can no longer approve ", "", False)


def _order(pairs: Iterable[tuple[Reach, Reach]], by: str) -> Iterator[_Finding]:
    """The stages themselves, where neither their people nor the number of approvals says it."""
    wider = narrower = False
    for before, now in pairs:
        if before.stages == now.stages:
            continue
        said_wider = now.approvals < before.approvals or bool(now.approvers - before.approvers)
        said_narrower = now.approvals > before.approvals or bool(before.approvers - now.approvers)
        is_wider = not now.is_within(before)
        wider |= is_wider and not said_wider
        narrower |= not is_wider and not said_narrower
    if wider:
        yield _Finding("", f" can be approved in another way than before{by}", True)
    elif narrower:
        yield _Finding("", f" needs approvals of fewer people at a stage{by}", False)


def _later(pairs: Iterable[tuple[Reach, Reach]]) -> Iterator[_Finding]:
    """By person: who is asked later than before is no longer asked at the time of before."""
    sooner, gone = set[tuple[timedelta, Person]](), set[tuple[timedelta, Person]]()
    for before, now in pairs:
        was, is_now = ({one: after for after, one in reach.later} for reach in (before, now))
        never = timedelta.max
        sooner |= {(after, one) for one, after in is_now.items() if after < was.get(one, never)}
        gone |= {(after, one) for one, after in was.items() if after < is_now.get(one, never)}
    for after, people in sorted(_by_time(sooner).items()):
        yield _Finding(f"after {format_duration(after)} without an answer {_people(people)} can approve ", " too", True)
    for after, people in sorted(_by_time(gone).items()):
        waited = format_duration(after)
        yield _Finding(f"{_are(people)} no longer asked about ", f" after {waited} without an answer", False)


def _by_time(steps: Iterable[tuple[timedelta, Person]]) -> dict[timedelta, set[Person]]:
    found: dict[timedelta, set[Person]] = {}
    for after, person in steps:
        found.setdefault(after, set()).add(person)
    return found


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The words, and not what they hold."""
    return sorted(word for word in before.keys() | now.keys() if before.get(word) != now.get(word))


def _people(people: Iterable[Person]) -> str:
    return _listed(sorted(people))


def _are(people: Iterable[Person]) -> str:
    names = sorted(people)
    return f"{_listed(names)} {'is' if len(names) == 1 else 'are'}"


def _listed(names: list[str] | list[Person]) -> str:
    shown = [*names[:_NAMED], f"{len(names) - _NAMED:,} more"] if len(names) > _NAMED else [*names]
    *first, last = shown
    return f"{', '.join(first)} and {last}" if first else last
