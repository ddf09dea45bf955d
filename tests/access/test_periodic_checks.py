"""When something outside is looked at for the first time."""

from access.models import CheckKind
from access.periodic_checks import spread


def test_a_hundred_people_are_first_looked_at_all_over_the_span_and_each_always_at_his_own_time() -> None:
    people = [f"U{number:05}" for number in range(100)]
    found = [spread(CheckKind.MEMBER, person) for person in people]

    assert found == [spread(CheckKind.MEMBER, person) for person in people]
    assert all(0 <= moment < 1 for moment in found)
    tenths = [int(moment * 10) for moment in found]
    assert max(tenths.count(tenth) for tenth in range(10)) <= 25
    assert len(set(tenths)) == 10
