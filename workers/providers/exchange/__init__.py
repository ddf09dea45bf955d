"""What providers share that ask in JSON and are answered in JSON; no provider itself, and it knows none."""
