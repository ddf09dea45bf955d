"""The modals around a request: say why not, say why it is revoked, how to connect, and a plain notice."""

from access.models import Grant, GrantStatus, Request
from access.ports import Secret
from bot import ids
from bot.views.blocks import Block, View, at, code, mention, note, plain, preformatted, section, sentence
from bot.views.review import for_another, how_long


def denial(request: Request, metadata: str) -> View:
    """Asks an approver why not. `metadata` is the pressed button and where it stands."""
    hint = "The requester and everyone who can see this card will read it."
    what = section(
        f"{mention(request.requester_slack)} asks for {code(request.entitlement)}{for_another(request)}, "
        f"{how_long(request)}."
    )
    return _form(ids.DENIAL, "Deny this request", "Deny", metadata, what, _why(ids.COMMENT, "Why not?", hint))


def revocation(grant: Grant) -> View:
    """Asks security why access is taken away before its end."""
    opens = grant.status != GrantStatus.SCHEDULED
    what_follows = (
        "The access ends at once, open sessions with it where the target allows." if opens else "It will not be opened."
    )
    hint = f"The holder and everyone who can see the card will read it. {what_follows}"
    until = f"open until {at(grant.expires_at)}" if grant.expires_at else "not open yet"
    what = section(f"{code(grant.entitlement)} of {mention(grant.subject_slack)}, {until}.")
    return _form(ids.REVOCATION, "Revoke this access", "Revoke", grant.id, what, _why(ids.REASON, "Why?", hint))


def preparing() -> View:
    """While a worker sets a fresh secret on the target."""
    return notice("How to connect", "Your connection is being prepared. This takes a moment; keep this window open.")


def secret_view(secret: Secret) -> View:
    """Labelled values to copy. Goes into the holder's open modal and nowhere else."""
    blocks: list[Block] = []
    for label, value in secret.fields:
        blocks += [sentence(label), preformatted(value.get_secret_value())]
    if secret.environment:
        blocks.append(note(f"Clients read these from the environment: {_variables(secret)}."))
    if secret.note:
        blocks.append(note(secret.note))
    if secret.made:
        blocks.append(
            note("Nothing of this is stored. Opening this again makes a new one, and this one stops working.")
        )
    return {"type": "modal", "title": plain("How to connect"), "close": plain("Close"), "blocks": blocks}


def _variables(secret: Secret) -> str:
    labels = {label for label, _ in secret.fields}
    return ", ".join(
        f"{name} ({said})" if said in labels else f"{name}={said}" for name, said in secret.environment.items()
    )


def notice(title: str, words: str) -> View:
    """One sentence in a modal."""
    return {"type": "modal", "title": plain(title), "close": plain("Close"), "blocks": [sentence(words)]}


def done(title: str, blocks: list[Block]) -> View:
    """What was just done, in the modal that did it."""
    return {"type": "modal", "title": plain(title), "close": plain("Close"), "blocks": blocks}


def _why(block_id: str, label: str, hint: str) -> Block:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "hint": plain(hint),
        "element": {"type": "plain_text_input", "action_id": ids.TYPED, "multiline": True},
    }


def _form(callback_id: str, title: str, submit: str, metadata: str, *blocks: Block) -> View:
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain(title),
        "submit": plain(submit),
        "close": plain("Cancel"),
        "private_metadata": metadata,
        "blocks": list(blocks),
    }
