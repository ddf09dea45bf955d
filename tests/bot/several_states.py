"""What is shown where several are asked for at once."""

from typing import Any

from access.catalog import Bundle, Entitlement
from access.choices import Choices
from access.ids import SlackChannel
from bot.views.asked_several import asked_all, asked_all_in_modal
from bot.views.blocks import Rendered
from bot.views.form import request_form
from tests.bot.facts import a_choice, a_preview, a_request, asked_of, facts
from tests.bot.undelivered_states import NEVER_ASKED
from tests.cast import KIM, LEA, SAM

READ, LOGS = Entitlement("customers-db", "read"), Entitlement("logs", "read")
INCIDENT = Bundle(id="incident", title="What an incident needs", entitlements=(READ, LOGS))
CHOICES = Choices(
    [
        a_choice(role="read", role_title="Read customers, without cards"),
        a_choice(role="read", role_title="Read the logs of the shop", resource_id="logs", resource_title="Logs"),
    ]
)
NO_LOGS = {"logs/read": "There is no logs/read that you may ask for."}
OF_READ = a_preview()
OF_LOGS = a_preview(asked=asked_of(SAM, usually=None), channel=SlackChannel("C0LOGS"), level="low", description="")
LOGS_ASKED = facts(
    a_request(
        id="01kaq9z0000000000000l0gs7k", resource="logs", resource_title="Logs", role_title="Read the logs of the shop",
        channel=SlackChannel("C0LOGS"),
    ),
    approvers=[SAM], usually=None,
)  # fmt: skip
_LONG = "r" * 63
LONGEST = [
    facts(a_request(id=f"01kaq9z0000000000000l0ng{number:02}", resource=f"{_LONG[:-1]}{number}", role=_LONG))
    for number in range(10)
]
LONG_PARTS = {f"{_LONG[:-1]}{number}/{_LONG}": a_preview(asked=asked_of(KIM, LEA, SAM)) for number in range(10)}

STATES: dict[str, Rendered | dict[str, Any]] = {
    "form-bundles": request_form(CHOICES, bundles=[INCIDENT]),
    "form-chosen-bundle": request_form(CHOICES, {"customers-db/read": OF_READ, **NO_LOGS}, bundles=[INCIDENT]),
    "form-left-out": request_form(CHOICES, bundles=[INCIDENT], left_out=NO_LOGS),
    "form-chosen-bundle-longest": request_form(CHOICES, LONG_PARTS, bundles=[INCIDENT]),
    "asked-several": asked_all([facts(), LOGS_ASKED], {}),
    "asked-left-out": asked_all([facts()], NO_LOGS),
    "asked-several-longest": asked_all(LONGEST, NO_LOGS),
    "modal-asked-several": asked_all_in_modal([facts(never_asked=NEVER_ASKED), LOGS_ASKED], {}),
}
