"""Drift: a target is compared with the rows; what differs at two looks in a row is told, and what we know is ended."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import col, or_, select

from access import periodic_checks
from access.actors import Actor, system
from access.alert_rows import of_resource
from access.canonical import canonical
from access.catalog import Resource
from access.comparisons import SECOND_LOOK, can_list
from access.core import Core, held_grants
from access.errors import ProviderError
from access.grants import role_rights
from access.grants.admission import lost_since
from access.grants.claims import Targets, receipt_of, spec_of, unexpected
from access.grants.revoke import start_removal
from access.grants.start import remove_found_again
from access.ids import GrantId, SharedRoleId
from access.lifecycle import UNFINISHED
from access.models import Alert, AlertKind, CheckKind, EndedBy, Grant, GrantStatus, RoleClaim
from access.ports import Deadline, Isolation, Managed, Provider
from access.reconcile.differences import Place, Shown
from access.reconcile.holders import Seen, needed_shares, unexplained
from access.reconcile.orphans import grant_of_orphan
from access.reconcile.recovered import lost, recover
from access.reconcile.standing_access import CheckOutcome, known_slots, lock_alerts, settle, slot_of
from access.unit_of_work import UnitOfWork

logger = logging.getLogger(__name__)

EVERY = timedelta(minutes=10)
GONE = "The access was gone from the target before its end."


@dataclass(frozen=True)
class Claimed(periodic_checks.Claimed):
    """One resource; its grants may stand at several places where the policy has moved it."""

    places: list[Place] = field(default_factory=list[Place])
    lost_since: datetime | None = None
    """The database was restored, and what was granted after this has no row."""
    known: Resource | None = None
    """As the policy has it now."""
    whole: bool = False
    """The policy says where the resource is, and that is among the places."""


@dataclass(frozen=True)
class Compared(periodic_checks.CheckOutcome):
    """What the target has of ours, and which active grants it has not."""

    claimed: Claimed
    shown: Shown = field(default_factory=Shown)
    settle: timedelta = timedelta(0)
    lost_since: datetime | None = None
    rights: role_rights.Seen | None = None
    """What its roles allow."""
    at: datetime | None = None
    """When the target was asked."""


@dataclass(frozen=True)
class Drift:
    """A part of the queue `grant`: it needs the targets' keys."""

    core: Core
    targets: Targets
    actor: Actor = system("drift")

    def claim(self, ids: Sequence[str]) -> list[Claimed]:
        claimed = periodic_checks.claim_checks(self.core, ids, CheckKind.DRIFT)
        if not claimed:
            return []
        with self.core.database.read() as session:
            since = lost_since(session)
        return [
            Claimed(
                one.look,
                self._places(one.look.subject),
                since,
                known=self._known(one.look.subject),
                whole=self._is_whole(one.look.subject),
            )
            for one in claimed
        ]

    def act(self, claimed: Claimed, deadline: Deadline) -> Compared:
        """Never raises; what a third party's exception says is not told, for it may hold a secret."""
        try:
            return self._compared(claimed, deadline)
        except ProviderError as error:
            return Compared(claimed, problem=error.sentence)
        except Exception as error:
            name = unexpected(claimed.look.subject, error)
            return Compared(claimed, problem=f"The provider cannot list what is ours ({name}).")

    def commit(self, results: Sequence[Compared]) -> None:
        channel = self.core.security_channel()
        with self.core.work(self.actor) as work:
            ordered = sorted(results, key=lambda one: one.claimed.id)
            looked = [look for result in ordered if (look := self._write(work, result, channel)) is not None]
            # Together and last: several resources may lead to one target, and two workers write about it.
            lock_alerts(work, looked)
            settle(work, looked)

    def release(self, claimed: Sequence[Claimed]) -> None:
        periodic_checks.release_checks(self.core, claimed)

    def _places(self, resource: str) -> list[Place]:
        places = dict[tuple[str, str], Place]()
        known = self._known(resource)
        if known is not None:
            places[known.provider, canonical(dict(known.settings))] = Place(known.provider, known.settings, [])
        with self.core.database.read() as session:
            for grant in session.exec(select(Grant).filter_by(resource=resource, status=GrantStatus.ACTIVE)):
                place = Place(grant.provider, grant.settings, [])
                places.setdefault((grant.provider, canonical(grant.settings)), place).active.append(grant)
        return [place for place in places.values() if can_list(self.core, place.provider)]

    def _known(self, resource: str) -> Resource | None:
        policy = self.core.known_policy()
        return policy.resources.get(resource) if policy else None

    def _is_whole(self, resource: str) -> bool:
        known = self._known(resource)
        return known is not None and can_list(self.core, known.provider)

    def _compared(self, claimed: Claimed, deadline: Deadline) -> Compared:
        """Raises ProviderError."""
        shown, settle, at = Shown(), timedelta(0), self.core.clock.now()
        for place in claimed.places:
            provider = self.targets.of(place.provider, place.settings, claimed.look.subject)
            settle = max(settle, provider.capabilities.of(place.settings).settle)
            shown.look(provider, place, deadline)
        for grant, provider in shown.missing:
            if self._is_gone(claimed, grant, provider, deadline):
                shown.gone.append(grant.id)
        rights = role_rights.look(self.targets, claimed.known, deadline)
        return Compared(claimed, shown=shown, settle=settle, lost_since=claimed.lost_since, rights=rights, at=at)

    def _is_gone(self, claimed: Claimed, grant: Grant, provider: Provider, deadline: Deadline) -> bool:
        """Before it counts, the target is asked about this very grant."""
        if claimed.lost_since is None and _suspect_of(grant.id) not in claimed.look.suspects:
            return True
        return not provider.observe(spec_of(grant), receipt_of(grant), deadline).present

    def _write(self, work: UnitOfWork, result: Compared, channel: str | None) -> CheckOutcome | None:
        """Returns who holds something without a grant; None where nobody knows."""
        row = result.claimed.look
        if result.problem:
            periodic_checks.check_again(work, row, after=SECOND_LOOK, answered=False, problem=result.problem)
            return None
        shown = result.shown
        unmatched = {name: one for name, one in shown.listed.items() if not _has_live_row(work, one.grant_id)}
        needed = needed_shares(work, set(shown.members.values()))
        members = {name: share for name, share in shown.members.items() if share not in needed}
        gone = {_suspect_of(identifier): identifier for identifier in shown.gone}
        extra_privileges = {f"more than {_suspect_of(identifier)}": identifier for identifier in shown.extra_privileges}
        standing = unexplained(work, shown.seen, shown.listed)
        doubtful = _doubtful(work, row.subject, standing)
        suspects = sorted([*unmatched, *members, *gone, *extra_privileges, *shown.unmanaged, *shown.orphans, *doubtful])
        forgotten = self._forgotten(work, result, list(unmatched.values()))
        # Of what a restored database does not know, or believes open, a second look would say the same.
        sure = {*forgotten, *gone} if result.lost_since else set[str]()
        news = set(suspects) - set(row.suspects) - sure
        after = max(SECOND_LOOK, result.settle) if news else EVERY
        if not periodic_checks.check_again(work, row, after=after, suspects=suspects, problem=""):
            return None
        if result.rights is not None:
            role_rights.write(work, row.subject, result.rights, channel)
        for suspect in suspects:
            if suspect in news or suspect in doubtful:
                continue
            if suspect in gone:
                self._end_gone(work, gone[suspect], channel)
            elif suspect in extra_privileges:
                self._end_extra_privileges(
                    work, extra_privileges[suspect], shown.extra_privileges[extra_privileges[suspect]], channel
                )
            elif suspect in members:
                self._end_member(work, row.subject, suspect, members[suspect], channel)
            elif suspect in shown.unmanaged:
                _report(work, row.subject, suspect, shown.unmanaged[suspect], channel)
            elif suspect in shown.orphans:
                self._end_orphan(work, row.subject, shown.orphans[suspect], channel)
            elif suspect in forgotten:
                self._end_forgotten(work, result, unmatched[suspect], channel)
            else:
                self._end_unmatched(work, row.subject, unmatched[suspect], channel)
        _close_unknown(work, row.subject, {*shown.listed, *members, *shown.unmanaged, *shown.orphans})
        seen = [one for one in standing if one.name not in doubtful or one.name not in news]
        return CheckOutcome(row.subject, result.at or work.now, seen, channel, whole=result.claimed.whole)

    def _end_gone(self, work: UnitOfWork, identifier: GrantId, channel: str | None) -> None:
        """It is never given again by itself: somebody took it away for a reason."""
        grant = _still_open(work, identifier)
        if grant is None:
            return
        start_removal(work, grant, EndedBy.DRIFT, at=work.now, reason=GONE)
        sentence = f"{grant.entitlement} of {grant.subject} was gone from the target before its end; it is ended."
        work.open_alert(
            AlertKind.DRIFT, grant.id, sentence, channel=channel, resource=grant.resource, grant_id=grant.id
        )

    def _end_extra_privileges(
        self, work: UnitOfWork, identifier: GrantId, more: Sequence[str], channel: str | None
    ) -> None:
        """Nobody decided on what was added, and it ends with the rest only."""
        grant = _still_open(work, identifier)
        if grant is None:
            return
        rights = ", ".join(more)
        start_removal(work, grant, EndedBy.DRIFT, at=work.now, reason=f"Rights were added to it by hand: {rights}.")
        sentence = f"By hand, {rights} was added to {grant.entitlement} of {grant.subject}; the access is being ended."
        work.open_alert(
            AlertKind.DRIFT, grant.id, sentence, channel=channel, resource=grant.resource, grant_id=grant.id
        )

    def _end_orphan(self, work: UnitOfWork, resource: str, orphan: Managed, channel: str | None) -> None:
        """A session whose role is gone is known by its number alone, which a receipt may have."""
        old = grant_of_orphan(work, resource, orphan.orphan_oid)
        if old is None:
            _report(work, resource, orphan.name, " ".join(orphan.told.values()), channel)
        elif old.status == GrantStatus.ACTIVE:
            self._end_gone(work, old.id, channel)
        elif not _has_live_row(work, old.supersedes_grant_id or old.id):
            self._end_again(work, old, channel)

    def _end_member(self, work: UnitOfWork, resource: str, name: str, share: SharedRoleId, channel: str | None) -> None:
        """What we gave and nobody needs goes by the last grant that gave it."""
        given = select(Grant.id).join(RoleClaim, col(RoleClaim.grant_id) == col(Grant.id)).where(
            RoleClaim.share_id == share, col(RoleClaim.pre_existing).is_(False), col(Grant.expires_at).is_not(None)
        )  # fmt: skip
        last = work.session.exec(given.order_by(col(Grant.id).desc()).limit(1)).first()
        old = next(iter(held_grants(work.session, [last] if last else [])), None)
        if old is None:
            _report(work, resource, name, _unexplained(resource, name), channel)
            return
        self._end_again(work, old, channel)

    def _end_again(self, work: UnitOfWork, old: Grant, channel: str | None) -> None:
        again = remove_found_again(work, old)
        sentence = f"{old.entitlement} of {old.subject} stands on the target after its end; it is being removed."
        work.open_alert(AlertKind.DRIFT, again.id, sentence, channel=channel, resource=old.resource, grant_id=again.id)

    def _forgotten(self, work: UnitOfWork, result: Compared, unmatched: Sequence[Managed]) -> set[str]:
        """Those that a restored database has no row of, and can end by what the target says of them alone."""
        policy = work.policy
        if result.lost_since is None or policy is None or result.claimed.look.subject not in policy.resources:
            return set()
        apart = [one for one in unmatched if self._is_apart(result.shown.places[one.name])]
        return lost(work, apart, result.lost_since)

    def _is_apart(self, place: Place) -> bool:
        """What a grant gives there is its alone: it bears the grant's mark and needs no person's account."""
        known = self.core.providers[place.provider].capabilities.of(place.settings)
        return known.isolation is Isolation.PER_GRANT

    def _end_forgotten(self, work: UnitOfWork, result: Compared, unmatched: Managed, channel: str | None) -> None:
        resource, place, policy = result.claimed.look.subject, result.shown.places[unmatched.name], work.policy
        assert policy is not None, "nothing is known to be forgotten without one"
        provider = self.targets.of(place.provider, place.settings, resource)
        again = recover(work, unmatched, resource=resource, provider=provider, settings=place.settings, policy=policy)
        sentence = (
            f"{resource} has {unmatched.name}, of which the restored database knows nothing; it is being removed."
        )
        work.open_alert(AlertKind.DRIFT, again.id, sentence, channel=channel, resource=resource, grant_id=again.id)

    def _end_unmatched(self, work: UnitOfWork, resource: str, unmatched: Managed, channel: str | None) -> None:
        old = next(iter(held_grants(work.session, [unmatched.grant_id] if unmatched.grant_id else [])), None)
        if old is None or old.resource != resource or old.expires_at is None:
            # A colleague's Countersign on the same target, or a database of ours that was restored: not ours to end.
            _report(work, resource, unmatched.name, _unexplained(resource, unmatched.name), channel)
            return
        self._end_again(work, old, channel)


def _suspect_of(identifier: GrantId) -> str:
    return f"grant {identifier}"


def _report(work: UnitOfWork, resource: str, name: str, sentence: str, channel: str | None) -> None:
    work.open_alert(AlertKind.DRIFT, f"{resource} {name}", sentence, channel=channel, resource=resource, name=name)


def _unexplained(resource: str, name: str) -> str:
    return f"{resource} has {name} with our mark, and no grant of ours for this resource explains it."


def _still_open(work: UnitOfWork, identifier: GrantId) -> Grant | None:
    """None: it has ended meanwhile, or a failover or a restore forgot it, and then what stands there is found anew."""
    grant = next(iter(held_grants(work.session, [identifier])), None)
    if grant is None:
        logger.error("%s differs at its target, but the rows no longer know it; the next look finds it", identifier)
        return None
    is_over = grant.expires_at is None or grant.expires_at <= work.now
    return None if is_over or grant.status != GrantStatus.ACTIVE else grant


def _doubtful(work: UnitOfWork, resource: str, standing: Sequence[Seen]) -> set[str]:
    """Names of what counts at the second look only, as far as it is not known already."""
    found = {slot_of(one, resource): one.name for one in standing if one.is_doubtful}
    known = known_slots(work.session, found) if found else set[str]()
    return {name for slot, name in found.items() if slot not in known}


def _has_live_row(work: UnitOfWork, identifier: str | None) -> bool:
    if identifier is None:
        return False
    same = or_(col(Grant.id) == identifier, col(Grant.supersedes_grant_id) == identifier)
    live = select(Grant.id).where(same, col(Grant.status).in_(UNFINISHED))
    return work.session.exec(live.limit(1)).first() is not None


def _close_unknown(work: UnitOfWork, resource: str, listed: set[str]) -> None:
    """Of what is not seen any more; and that the target could not be looked at, for now it was."""
    opened = select(Alert.subject, Alert.name).where(
        *of_resource(AlertKind.DRIFT, resource), col(Alert.closed_at).is_(None), col(Alert.grant_id).is_(None)
    )
    for subject, name in work.session.exec(opened.order_by(col(Alert.id))).all():
        if name not in listed:
            work.close_alerts(subject, AlertKind.DRIFT)
