"""The command line: one file a command; `app` says how they are called."""
