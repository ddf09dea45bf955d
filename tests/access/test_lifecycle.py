"""The two tables of moves: everything has a place, nothing leaves an end."""

from hypothesis import given
from hypothesis import strategies as st

from access.lifecycle import (
    ANSWERED,
    CLOSING,
    FINISHED,
    GRANT_MOVES,
    HELD,
    ON_TARGET,
    OPENING,
    REQUEST_MOVES,
    REVOCABLE,
    TRANSIENT,
    UNFINISHED,
    allowed,
)
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


def may_become(status: GrantStatus) -> set[GrantStatus]:
    """By the table, in one step or more."""
    found, left = set[GrantStatus](), [status]
    while left:
        more = GRANT_MOVES[left.pop()] - found
        found |= more
        left += more
    return found


def test_a_grant_that_has_not_begun_can_begin_be_called_off_or_be_taken_back() -> None:
    """Taken back, because a restored database does not know whether it was begun."""
    assert GRANT_MOVES[GrantStatus.SCHEDULED] == {GrantStatus.ACTIVATING, GrantStatus.ENDED, GrantStatus.REVOKING}


def test_what_has_begun_opens_fails_or_is_taken_back_and_is_not_simply_over() -> None:
    assert GRANT_MOVES[GrantStatus.ACTIVATING] == {GrantStatus.ACTIVE, GrantStatus.FAILED, GrantStatus.REVOKING}


def test_a_grant_is_finished_exactly_when_nothing_can_happen_to_it_any_more() -> None:
    assert sorted(FINISHED) == sorted(status for status in GrantStatus if not GRANT_MOVES[status])
    assert sorted(UNFINISHED) == sorted(status for status in GrantStatus if GRANT_MOVES[status])


def test_on_the_way_to_the_holder_is_what_can_still_become_active() -> None:
    assert set(OPENING) == {status for status in GrantStatus if GrantStatus.ACTIVE in may_become(status)}


def test_what_has_begun_and_is_not_finished_may_stand_on_the_target() -> None:
    assert set(ON_TARGET) == set(UNFINISHED) - {GrantStatus.SCHEDULED}


def test_a_shared_role_is_needed_by_all_that_stand_on_the_target_and_are_not_being_taken_back() -> None:
    assert set(HELD) == set(ON_TARGET) - {GrantStatus.REVOKING}


def test_a_person_may_end_exactly_what_has_a_move_to_being_taken_back() -> None:
    assert set(REVOCABLE) == {status for status in GrantStatus if GrantStatus.REVOKING in GRANT_MOVES[status]}


def test_when_it_is_due_what_has_opened_is_taken_away_until_it_is_over() -> None:
    assert set(CLOSING) == set(ON_TARGET) - set(OPENING)


def test_the_two_states_in_which_the_target_is_being_called_pass_by_themselves() -> None:
    assert set(TRANSIENT) == {GrantStatus.ACTIVATING, GrantStatus.REVOKING}


def test_only_an_approver_answers_a_request() -> None:
    assert set(ANSWERED) == set(RequestStatus) - {RequestStatus.PENDING, RequestStatus.CANCELLED, RequestStatus.LAPSED}


def test_a_move_is_allowed_exactly_by_the_table_of_its_lifecycle() -> None:
    for request in RequestStatus:
        assert {to for to in RequestStatus if allowed(request, to)} == REQUEST_MOVES[request]
    for grant in GrantStatus:
        assert {to for to in GrantStatus if allowed(grant, to)} == GRANT_MOVES[grant]


@given(st.sampled_from([RequestStatus.PENDING, GrantStatus.SCHEDULED]), st.lists(st.sampled_from(STATES), max_size=20))
def test_a_walk_by_the_table_stays_in_it_and_never_goes_round(start: RequestStatus | GrantStatus, tries: list) -> None:
    been = [start]
    for state in tries:
        if type(state) is type(start) and allowed(been[-1], state):
            been.append(state)

    assert len(been) == len(set(been))
    assert all(state not in ENDS for state in been[:-1])
