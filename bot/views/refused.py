"""Attempts that were refused, in words: who tried to do what, and why not."""

import re

ATTEMPTS = {
    "request.submit": "ask for access",
    "form": "ask for access",
    "form.open": "open the form",
    "form.choose": "choose in the form",
    "form.choose-also": "choose in the form",
    "form.choose-whom": "choose in the form",
    "/access": "use /access",
    "app_home_opened": "open the Home tab",
    "message": "write to the bot",
    "message.follow": "follow a link to a message",
    "request.extend": "ask for more time",
    "grant.extend": "ask for more time",
    "extension": "ask for more time",
    "request.approve": "approve a request",
    "request.deny": "deny a request",
    "denial": "deny a request",
    "request.approve-with": "approve a request",
    "approval": "approve a request",
    "request.claim": "say that they are looking at a request",
    "batch.approve": "approve several requests",
    "batch.some": "answer some of several requests",
    "batch.deny": "deny several requests",
    "batch.claim": "say that they are looking at several requests",
    "batch-answer": "answer some of several requests",
    "request.change": "change a request",
    "request.edit": "change a request",
    "change": "change a request",
    "request.cancel": "take back a request",
    "grant.return": "give back access",
    "grant.done": "give back access",
    "grant.revoke": "revoke access",
    "revocation": "revoke access",
    "grant.list": "see who is in",
    "request.details": "see the details of a request",
    "request.why": "see how a request was decided",
    "grant.reveal": "connect",
    "grant.connect": "connect",
    "rights.accepted": "accept what a role allows",
    "rights.accept": "accept what a role allows",
    "standing.accept": "accept standing access",
    "standing.accept-all": "accept standing access",
    "grant.removed-by-hand": "say that access was removed by hand",
}
"""Names in the audit log. Outsiders are refused before a click reaches its verb, by the name of the button or modal."""
REASONS = {
    "AlreadyAccepted": "it was accepted already, or gone",
    "AlreadyDecided": "it was decided already",
    "AlreadyEnded": "it had ended already, or was being ended",
    "AlreadyHeld": "it was open already",
    "AlreadyOpen": "it was open or asked for already",
    "AlreadyReviewed": "they had decided on it already",
    "Conflict": "it had changed meanwhile",
    "InvalidInput": "what was typed could not be read",
    "LostRace": "it was changed at the same moment",
    "PartsRefused": "a part of what was asked for together was refused",
    "NotAMember": "not a full member of this workspace",
    "NotAllowed": "not allowed to",
    "NotAnApprover": "not one of its approvers",
    "NotYourTurn": "not their turn",
    "NotForYouToAccept": "not in the security team",
    "NotFound": "there is no such request or access",
    "NotInCharge": "neither in the security team nor an owner of the resource",
    "NotNow": "nothing new was taken at that moment",
    "NotOver": "the access was not over",
    "NotSecurity": "not in the security team",
    "NotUsableYet": "the access was not open",
    "NotYours": "it was not their own",
    "NothingToExtend": "the access had ended, or was being ended",
    "OldButton": "the button was of an older version",
    "PolicyError": "the policy could not be used",
    "PolicyRefuses": "the policy said no",
    "Refused": "the policy said no",
    "RefusedByPolicy": "the policy said no",
    "RefusedInput": "the policy said no",
    "RefusedStranger": "not in the access policy",
    "RequestChanged": "the request or its rule had changed since the card was posted",
    "RequestLapsed": "the request had lapsed",
    "RightsChanged": "what the role allows had changed since it was posted",
    "SelfReview": "it was their own",
    "StandingAccessChanged": "what stands there had changed since it was posted",
    "TooManyPending": "too many of their requests waited already",
    "UnknownPerson": "not in the access policy",
    "Unverified": "Slack did not say who it was",
    "WrongWorkspace": "it came from another workspace",
}
"""Kinds of refusal, as the audit log names them; to follow "tried to …:"."""


def attempt(name: str) -> str:
    """To follow "tried to"."""
    return ATTEMPTS.get(name, f"use {name}")


def reason(because: str) -> str:
    """Of one that a newer version wrote, its name taken apart."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", because).lower()
    return REASONS.get(because, apart)
