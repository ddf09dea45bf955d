"""What a process does once it is ready."""

import gc

from countersign.ready import ready


def test_what_a_process_made_to_start_is_not_looked_through_again() -> None:
    gc.unfreeze()
    try:
        ready({})
        frozen = gc.get_freeze_count()
        assert frozen
        kept = [[] for _ in range(1000)]
        ready({})
        assert gc.get_freeze_count() <= frozen, "the bot says so at each reconnection"
        assert len(kept) == 1000
    finally:
        gc.unfreeze()
