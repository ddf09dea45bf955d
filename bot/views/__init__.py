"""Views: pure functions from rows to Block Kit."""
