"""The core: decides and remembers; knows no Slack, no queue and no target."""
