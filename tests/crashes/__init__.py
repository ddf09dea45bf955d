"""A real process is killed at each point, and whoever comes after it keeps every promise."""
