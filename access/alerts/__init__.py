"""What a person must know: groups of many, and messages that do not arrive."""
