"""The app as its manifest declares it: name, scopes, commands, shortcuts, events, tabs."""

from pathlib import Path
from typing import Any

import yaml

from sandbox.cast import App, Command, Shortcut


def app_of(manifest: Path) -> App:
    """Reads `manifest.yml`; what is not in it does not exist in the sandbox."""
    said = yaml.safe_load(manifest.read_text(encoding="utf-8"))
    shortcuts: list[dict[str, Any]] = said["features"].get("shortcuts", [])
    for one in shortcuts:
        if one["type"] != "global":
            raise ValueError(f"the shortcut {one['name']!r} is on messages, and this sandbox has global ones only")
    commands = tuple(
        Command(one["command"], one.get("usage_hint", ""), one.get("description", ""), one.get("should_escape", False))
        for one in said["features"].get("slash_commands", [])
    )
    tabs: dict[str, Any] = said["features"].get("app_home", {})
    return App(
        name=said["features"]["bot_user"]["display_name"],
        scopes=tuple(said["oauth_config"]["scopes"]["bot"]),
        commands=commands,
        shortcuts=tuple(Shortcut(one["name"], one["callback_id"], one.get("description", "")) for one in shortcuts),
        events=tuple(said["settings"].get("event_subscriptions", {}).get("bot_events", [])),
        home_tab=tabs.get("home_tab_enabled", False),
        messages_tab=tabs.get("messages_tab_enabled", False),
        messages_read_only=tabs.get("messages_tab_read_only_enabled", False),
    )
