"""One file for each thing a person can do: its command, its button and its modal together."""
