"""The modal behind "Change it": the time and the reason of a request of one's own, as they stand."""

from access.ids import short
from access.requests.edit import Editable
from bot import ids
from bot.views.blocks import View, code, plain, section
from bot.views.fields import text_field
from bot.views.form import will_be_asked


def change_form(about: Editable) -> View:
    request, terms = about.request, about.terms
    what = f"{code(request.entitlement)}, more time" if request.extends else code(request.entitlement)
    void = "Who has approved is asked again, with a new card; the time until it lapses stays."
    length = f"{terms.reason_min} to 500" if terms.reason_min else "At most 500"
    like = "Like 30m or 1h more, or until 17:00." if request.extends else "Like 90m, 2h, 1h30 or until 17:00."
    return {
        "type": "modal",
        "callback_id": ids.CHANGE_FORM,
        "title": plain("Change this request"),
        "submit": plain("Change"),
        "close": plain("Cancel"),
        "private_metadata": about.button,
        "blocks": [
            section(f"Request {code(short(request.id))} for {what}. {void}"),
            section(will_be_asked(terms)),
            text_field(ids.DURATION, "For how long?", like, about.time),
            text_field(
                ids.REASON, "Why?", f"The approvers decide by this. {length} characters.", request.reason,
                multiline=True,
            ),
        ],
    }  # fmt: skip
