"""Stories: the real processes, a real Valkey, a real target, the sandbox over real Socket Mode and real HTTP."""
