"""Every id that Slack hands back to us: of actions, of modals, of their blocks. A typo here is a dead button."""

# Buttons and selects
APPROVE = "request.approve"
APPROVE_WITH = "request.approve-with"
DENY = "request.deny"
CLAIM = "request.claim"
DETAILS = "request.details"
CANCEL = "request.cancel"
CHANGE = "request.change"
REVOKE = "grant.revoke"
DONE = "grant.done"
CONNECT = "grant.connect"
EXTEND = "grant.extend"
CHOOSE = "form.choose"
CHOOSE_ALSO = "form.choose-also"
CHOOSE_WHOM = "form.choose-whom"
ACCEPT_RIGHTS = "rights.accept"
BY_HAND = "grant.removed-by-hand"
ACCEPT_STANDING = "standing.accept"
ACCEPT_ALL_STANDING = "standing.accept-all"
FOLLOW = "message.follow"
ASK = "form.open"

# Modals
FORM = "form"
APPROVAL = "approval"
CHANGE_FORM = "change"
DENIAL = "denial"
REVOCATION = "revocation"
EXTENSION = "extension"

# Blocks of modals; refusals are shown beneath those with an input
ENTITLEMENT = "entitlement"
SUBJECT = "subject"
ALSO = "also"
DURATION = "duration"
START = "start"
REASON = "reason"
COMMENT = "comment"
ASKED = "asked"

# Inputs: an action id inside its block
TYPED = "typed"
