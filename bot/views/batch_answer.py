"""The modal behind "Some of it…" and "Deny…" on a card of several requests, and what came of one click on it."""

from collections.abc import Callable, Sequence

from access.errors import AccessError
from access.ids import short
from access.models import Request, Verdict
from access.requests.review_several import Outcome
from bot import ids
from bot.views.blocks import Block, Element, Rendered, View, mention, plain, section, sentence, shortened
from bot.views.fields import text_field
from bot.views.modals import done

_READ_BY = "The requester and everyone who can see the card will read it."
_VERDICTS = {Verdict.APPROVE: "Approve those that are ticked", Verdict.DENY: "Deny those that are ticked"}
_OPTION_LONGEST = 75
_DONE = {"request.approve": "Approved", "request.deny": "Denied", "request.claim": "Noted"}


def some_of_it(parts: Sequence[tuple[Request, str]], metadata: str) -> View:
    """`parts`: those that this person could answer, each with its button; `metadata`: where the card stands."""
    verdicts = [_option(verdict, words) for verdict, words in _VERDICTS.items()]
    fields = [
        _which(parts, ticked=False),
        _input(ids.VERDICT, "Your answer", {"type": "radio_buttons", "action_id": ids.TYPED, "options": verdicts}),
        text_field(
            ids.DURATION, "Only for",
            "Like 30m, 1h or until 17:00, but shorter than was asked: each then goes on with a card of its own. Leave "
            "it empty to approve what was asked.",
            optional=True,
        ),
        text_field(
            ids.COMMENT, "A word to the requester", f"{_READ_BY} To deny, say why.", multiline=True, optional=True
        ),
    ]  # fmt: skip
    return _form("Answer some of it", "Answer", metadata, parts, fields)


def denial_of_several(parts: Sequence[tuple[Request, str]], metadata: str) -> View:
    fields = [_which(parts, ticked=True), text_field(ids.COMMENT, "Why not?", _READ_BY, multiline=True)]
    return _form("Deny these requests", "Deny", metadata, parts, fields)


def not_all(outcomes: Sequence[Outcome], attempt: str, words: Callable[[AccessError], str]) -> list[Block]:
    """What was done, and of what was not why, in as few sentences as there are reasons; nothing where all was done."""
    left: dict[str, list[str]] = {}
    for one in outcomes:
        if one.refused is not None:
            left.setdefault(words(one.refused), []).append(one.entitlement)
    if not left:
        return []
    did, said = [one.entitlement for one in outcomes if one.refused is None], _DONE[attempt]
    first = [f"{said}: {', '.join(did)}."] if did else []
    return [sentence("\n".join([*first, *(f"Not {said.lower()}: {', '.join(of)}. {why}" for why, of in left.items())]))]


def not_all_in_message(blocks: list[Block]) -> Rendered:
    return Rendered(text="Not all of that was done; the reasons are in this message.", blocks=blocks)


def not_all_in_modal(blocks: list[Block]) -> View:
    return done("Not all was done", blocks)


def _form(
    name: str, submit: str, metadata: str, parts: Sequence[tuple[Request, str]], fields: list[Block]
) -> View:  # fmt: skip
    who = mention(parts[0][0].requester_slack)
    left = "What you do not tick stays on the card."
    return {
        "type": "modal",
        "callback_id": ids.BATCH_ANSWER,
        "title": plain(name),
        "submit": plain(submit),
        "close": plain("Cancel"),
        "private_metadata": metadata,
        "blocks": [section(f"{who} asks for several at once. {left}"), *fields],
    }


def _which(parts: Sequence[tuple[Request, str]], *, ticked: bool) -> Block:
    options = [
        _option(value, request.entitlement, f"Level {request.level}, request {short(request.id)}")
        for request, value in parts
    ]
    box: Element = {"type": "checkboxes", "action_id": ids.TYPED, "options": options}
    return _input(ids.PARTS, "Which of them?", box | ({"initial_options": options} if ticked else {}))


def _option(value: str, words: str, about: str = "") -> Element:
    option: Element = {"text": plain(shortened(words, _OPTION_LONGEST)), "value": value}
    return option | ({"description": plain(shortened(about, _OPTION_LONGEST))} if about else {})


def _input(block_id: str, label: str, element: Element) -> Block:
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": element}
