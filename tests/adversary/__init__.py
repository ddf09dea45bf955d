"""Attacks from inside the target: a holder of access, or of a mere login there, tries to keep it, to hide, to plant.

Each case is an obstacle, a kind of role, a mode of the provider and a way to end the access. The end is judged as the
adversary: with all open sessions, cursors, prepared transactions, passwords and planted code, what works still?
"""
