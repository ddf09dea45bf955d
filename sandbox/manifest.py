"""The app as its manifest declares it: name, scopes, commands."""

from pathlib import Path

import yaml

from sandbox.cast import App, Command


def app_of(manifest: Path) -> App:
    """Reads `manifest.yml`; a scope or a command that is not in it does not exist in the sandbox."""
    said = yaml.safe_load(manifest.read_text(encoding="utf-8"))
    commands = tuple(
        Command(one["command"], one.get("usage_hint", ""), one.get("description", ""), one.get("should_escape", False))
        for one in said["features"].get("slash_commands", [])
    )
    scopes = tuple(said["oauth_config"]["scopes"]["bot"])
    return App(name=said["features"]["bot_user"]["display_name"], scopes=scopes, commands=commands)
