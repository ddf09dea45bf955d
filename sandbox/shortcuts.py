"""A person starts a global shortcut: the app gets a trigger id, and no place to answer in."""

from typing import Any

from sandbox.acting import about, acting
from sandbox.errors import NotPossible, Trouble
from sandbox.parts import Parts


async def shortcut(parts: Parts, asked: dict[str, Any]) -> dict[str, Any]:
    """Starts the shortcut with this `callback_id`; `error` has Slack's word when the app did not answer."""
    person = acting(parts, asked["as"])
    known = [each.callback_id for each in parts.team.app.shortcuts]
    if asked["callback_id"] not in known:
        raise NotPossible(f"the app has no shortcut {asked['callback_id']!r}; it has {', '.join(known) or 'none'}")
    payload = about(parts, person, "shortcut")
    payload |= {"callback_id": asked["callback_id"], "action_ts": parts.team.next_ts()}
    payload |= {"trigger_id": parts.modals.new_trigger(person.id)}
    try:
        await parts.delivery.send("interactive", payload)
    except Trouble as trouble:
        return {"error": trouble.name, "text": str(trouble)}
    return {}
