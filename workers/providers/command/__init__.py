"""A program of your own as the connector: any system with a command line is a target. See docs/providers/command.md."""

from workers.providers.command.provider import Command
from workers.providers.command.settings import Settings

__all__ = ["Command", "Settings"]
