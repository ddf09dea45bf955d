"""What a role allows beyond what people expect of it: on the form, on the card, and on the alert."""

from access.grants.role_rights import RightsNote, not_accepted, rights_button, subject_of
from access.ids import short
from access.models import EntitlementRights
from bot import ids
from bot.views.blocks import Block, actions, at, button, confirmation, note, section

_SHOWN = 15


def rights_note(rights: RightsNote | None) -> list[Block]:
    """For who asks and who decides. Names on the target stand letter by letter, for others choose them."""
    if rights is None:
        return []
    made = [note(f"This role can create {_listed(rights.creates)}.")] if rights.creates else []
    if not rights.more:
        return made
    since = f"Since {at(rights.since)}" if rights.since else "Now"
    return [
        *made,
        section(f"*{since} this role allows more than the security team has accepted:*"),
        note(_listed(rights.more)),
    ]


def rights_alert(rights: EntitlementRights | None) -> list[Block]:
    """What there is to accept now, and the button for it."""
    more = not_accepted(rights) if rights else []
    if rights is None or not more:
        return []
    asked = confirmation(
        "Accept these rights?",
        "The role keeps them, and cards no longer warn of them. That you accepted is written down.",
        yes="Yes, accept", no="Not yet",
    )  # fmt: skip
    return [
        section("*Not accepted yet:*"),
        note(_listed(more)),
        actions(
            button(
                "Accept", action=ids.ACCEPT_RIGHTS, value=rights_button(rights), confirm=asked,
                label=f"Accept what {subject_of(rights)} allows, {short(rights.id)}",
            )
        ),
        note("For the security team. Rights that are taken away on the target close this alert by themselves."),
    ]  # fmt: skip


def _listed(kinds: tuple[str, ...] | list[str]) -> str:
    rest = f"; and {len(kinds) - _SHOWN} more" if len(kinds) > _SHOWN else ""
    return "; ".join(kinds[:_SHOWN]) + rest
