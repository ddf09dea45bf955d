"""The network between us and each server misbehaves: nobody waits for ever, nothing is lost, and access ends."""
