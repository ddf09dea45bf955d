"""Checks the golden payloads against the types Slack publishes for TypeScript."""
