"""The daily digest: its span of the log, what the rows say for it, and what it says."""
