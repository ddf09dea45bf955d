"""The outbox: what each message shows, Home tabs, the limits of Slack, the digest."""
