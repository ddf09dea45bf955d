"""Looking: what is open, what is mine, and what a person means by an id."""
