"""Invariants where the holder is hostile: the end is not his to delay, and what he leaves is seen to and told."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from access.grants.cleanup import PATIENCE
from access.grants.end import Result
from access.models import Alert, AlertKind, Grant, GrantStatus
from access.ports import Cleanup
from tests.invariants.hostile import WINDOW
from tests.invariants.servers import Server

if TYPE_CHECKING:
    from tests.invariants.checks import Sight

_LIVE = (GrantStatus.ACTIVATING, GrantStatus.ACTIVE, GrantStatus.REVOKING)


def wrongs(sight: "Sight") -> Iterator[str]:
    """By the targets and the rows, at any moment."""
    for grant_id in _all_of(sight.servers, "open"):
        live = [grant for grant in sight.rows(grant_id) if grant.status in _LIVE]
        if not live and not sight.comparing and not sight.excused(grant_id):
            yield f"C31: the holder of {grant_id} can still get in, and no row knows of it"
    for grant_id in _all_of(sight.servers, "hidden"):
        rows = sight.rows(grant_id)
        if rows and not any(one.status in _LIVE or one.cleanup_until for one in rows) and not sight.comparing:
            yield f"C35: a hidden session of {grant_id} is there, and the target is not looked at any more"
    for grant_id, events in sight.about("grant.ended").items():
        if len(events) > 1:
            yield f"C36: the end of {grant_id} was taken back"


def wrongs_at_the_end(sight: "Sight") -> Iterator[str]:
    """All is well again, and enough time has passed."""
    kinds: tuple[Literal["open", "hidden", "left"], ...] = ("open", "hidden", "left")
    for what in kinds:
        for grant_id in _all_of(sight.servers, what):
            if sight.rows(grant_id):  # of what a restored database has forgotten nobody can know what it left
                yield f"C36: of {grant_id} something is {what} for ever"
    for grant in sight.grants:
        if sight.town.looks and (grant.cleanup_until is not None or grant.leftover):
            yield f"C36: {grant.id} is looked after for ever: {grant.leftover}"


def wrong_ends(results: Sequence[Result], rows: Sequence[Grant], now: datetime) -> Iterator[str]:
    """After a round of ends: what its target says is shut has ended, whatever its holder left there."""
    now_of = {str(one.id): one for one in rows}
    for result in results:
        grant = now_of.get(result.claimed.id)
        if grant is None or not _is_shut(result) or grant.fence != result.claimed.grant.fence:
            continue
        waits = grant.recheck_after is not None and grant.recheck_after > now
        if grant.status == GrantStatus.REVOKING and not waits:
            yield f"C36: the end of {grant.id} waits, though no right, way in or session is left"


def wrong_cleanups(
    looked: Sequence[Grant], found: Mapping[str, Cleanup], rows: Sequence[Grant], alerts: Sequence[Alert], now: datetime
) -> Iterator[str]:
    """After a look for leftovers that was answered and written."""
    told = {one.subject for one in alerts if one.kind == AlertKind.LEFTOVER and one.closed_at is None}
    now_of = {one.id: one for one in rows}
    for grant in (now_of[one.id] for one in looked if one.id in now_of):
        if grant.status != GrantStatus.ENDED:
            yield f"C36: the end of {grant.id} was taken back by what was found after it"
            continue
        assert grant.ended_at is not None
        left = bool(found.get(str(grant.supersedes_grant_id or grant.id), Cleanup()).left)
        if left and now >= grant.ended_at + PATIENCE and grant.id not in told:
            yield f"C36: {grant.id} left something an hour ago, and nobody was told"
        if not left and grant.id in told:
            yield f"C36: nothing is left of {grant.id}, and its alert stays open"
        if not left and now >= grant.ended_at + WINDOW and grant.cleanup_until is not None:
            yield f"C36: nothing of {grant.id} can show any more, and it is still looked after"


def _is_shut(result: Result) -> bool:
    removal, seen = result.removal, result.observed
    if removal is None or seen is None or removal.state == "pending":
        return False
    return not seen.present or (seen.only_sessions and (seen.sessions or 0) <= removal.lingering)


def _all_of(servers: Collection[Server], what: Literal["open", "hidden", "left"]) -> list[str]:
    return [grant_id for server in servers for grant_id in sorted(getattr(server.footholds, what)())]
