"""A local, strict stand-in for a Slack workspace; never in production."""
