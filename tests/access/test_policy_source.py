"""The policy that is at hand without reading the file, and when it is not."""

from tests.world import World


def test_an_unchanged_policy_is_at_hand(world: World) -> None:
    source = world.core.policy
    known = source.last_valid()
    assert source.cached() is known


def test_a_changed_file_has_to_be_read_first(world: World) -> None:
    source = world.core.policy
    known = source.last_valid()
    world.rewrite_policy('at: "09:00"', 'at: "10:00"')
    assert source.cached() is None
    assert source.last_valid() is not known
    assert source.cached() is source.last_valid()


def test_of_a_broken_file_the_last_good_policy_is_at_hand(world: World) -> None:
    source = world.core.policy
    known = source.last_valid()
    world.policy_file.write_text("people: [", encoding="utf-8")
    assert source.cached() is None
    assert source.last_valid() is known
    assert source.cached() is known


def test_of_a_missing_file_nothing_is_at_hand(world: World) -> None:
    source = world.core.policy
    source.last_valid()
    world.policy_file.unlink()
    assert source.cached() is None


def test_nobody_waits_for_a_file_that_is_being_read(world: World) -> None:
    source = world.core.policy
    source.last_valid()
    with source._lock:  # pyright: ignore[reportPrivateUsage] -- another thread, in the middle of reading
        assert source.cached() is None
