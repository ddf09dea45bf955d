"""The two tables of moves: everything has a place, nothing leaves an end."""

from hypothesis import given
from hypothesis import strategies as st

from access.lifecycle import GRANT_MOVES, REQUEST_MOVES, allowed
from access.models import GrantStatus, RequestStatus

STATES = [*RequestStatus, *GrantStatus]
ENDS = {
    RequestStatus.APPROVED, RequestStatus.DENIED, RequestStatus.CANCELLED, RequestStatus.LAPSED,
    GrantStatus.ENDED, GrantStatus.FAILED,
}  # fmt: skip


def test_every_status_has_a_row() -> None:
    assert set(REQUEST_MOVES) == set(RequestStatus)
    assert set(GRANT_MOVES) == set(GrantStatus)


def test_exactly_the_ends_have_no_exit() -> None:
    moves = {**REQUEST_MOVES, **GRANT_MOVES}

    assert {state for state in STATES if not moves[state]} == ENDS


def test_every_status_can_be_reached() -> None:
    assert set().union(*REQUEST_MOVES.values()) == set(RequestStatus) - {RequestStatus.PENDING}
    assert set().union(*GRANT_MOVES.values()) == set(GrantStatus) - {GrantStatus.SCHEDULED}


def test_what_may_still_be_there_is_over_only_through_its_removal() -> None:
    """Access that was active ends by `revoking`, and from there only by `ended`: there is no "revoke failed"."""
    assert GRANT_MOVES[GrantStatus.ACTIVE] == {GrantStatus.REVOKING}
    assert GRANT_MOVES[GrantStatus.REVOKING] == {GrantStatus.ENDED}


@given(st.sampled_from([RequestStatus.PENDING, GrantStatus.SCHEDULED]), st.lists(st.sampled_from(STATES), max_size=20))
def test_a_walk_by_the_table_stays_in_it_and_never_goes_round(start: RequestStatus | GrantStatus, tries: list) -> None:
    been = [start]
    for state in tries:
        if type(state) is type(start) and allowed(been[-1], state):
            been.append(state)

    assert len(been) == len(set(been))
    assert all(state not in ENDS for state in been[:-1])
