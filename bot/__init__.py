"""The Slack face: answers the person who clicked."""
