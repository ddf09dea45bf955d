"""The modal behind "Extend": how much longer, why; and who will be asked."""

from access.requests.extend import Extendable
from bot import ids
from bot.views.blocks import View, at, code, plain, section
from bot.views.fields import text_field
from bot.views.form import will_be_asked


def extension_form(about: Extendable, *, longer: str = "", reason: str = "") -> View:
    """`longer` and `reason`: what was typed already, where the same access was asked for once more."""
    grant, terms = about.grant, about.terms
    assert grant.expires_at is not None, "what can be extended has an end"
    open_until = (
        f"{code(grant.entitlement)} is open until {at(grant.expires_at)}. It can last until {at(about.latest)}."
    )
    length = f"{terms.reason_min} to 500" if terms.reason_min else "At most 500"
    return {
        "type": "modal",
        "callback_id": ids.EXTENSION,
        "title": plain("Extend access"),
        "submit": plain("Ask"),
        "close": plain("Cancel"),
        "private_metadata": grant.id,
        "blocks": [
            section(open_until),
            section(will_be_asked(terms)),
            text_field(ids.DURATION, "How much longer?", "Like 30m or 1h more, or until 17:00.", longer),
            text_field(
                ids.REASON, "Why?", f"The approvers decide by this. {length} characters.", reason, multiline=True
            ),
        ],
    }
