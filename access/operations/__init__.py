"""The verbs: everything that Countersign can do, one module a verb."""

from access.operations.approvers import Asked, NextStep
from access.operations.by_hand import ByHand, removed_by_hand
from access.operations.cancel import cancel
from access.operations.end import finish, may_revoke, reveal, revoke
from access.operations.extend import Extendable, extend, may_extend
from access.operations.find import grant_to_extend, grant_to_return, grant_to_revoke, request_to_cancel
from access.operations.home import HomeFacts, Waiting, open_home
from access.operations.message_facts import OTHERS_MOST, AlertFacts, CardFacts, Others, Past, card_of
from access.operations.reminding import Place, ReminderFacts
from access.operations.review import may_deny, review
from access.operations.role_rights import RightsNote, accept_rights
from access.operations.show import Mine, mine, outstanding
from access.operations.standing_accept import Accepted, Standing, accept_standing
from access.operations.submit import Preview, preview, requestable, submit, submit_line, suggest

__all__ = [
    "OTHERS_MOST", "Accepted", "AlertFacts", "Asked", "ByHand", "CardFacts", "Extendable", "HomeFacts", "Mine",
    "NextStep", "Others", "Past", "Place", "Preview", "ReminderFacts", "RightsNote", "Standing", "Waiting",
    "accept_rights", "accept_standing", "cancel", "card_of", "extend", "finish", "grant_to_extend", "grant_to_return",
    "grant_to_revoke", "may_deny", "may_extend", "may_revoke", "mine", "open_home", "outstanding", "preview",
    "removed_by_hand", "request_to_cancel", "requestable", "reveal", "review", "revoke", "submit", "submit_line",
    "suggest",
]  # fmt: skip
