"""What must hold whatever happens: a machine that lives through anything, and the rules it is held against."""
