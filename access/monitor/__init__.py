"""What happens without a person: the sweep and its chores, checks that return, watchdogs, canary, leavers."""
