"""The direct message to who asked for several at once: what became of those that were answered together."""

from access.ids import short
from access.messages.facts import BatchFacts, CardFacts
from access.models import RequestStatus
from access.words import counted
from bot.views.answer import what
from bot.views.batch_card import FITS, answered, became, size, small, texts, written
from bot.views.blocks import Block, Rendered, actions, code, context, header, mention, note, plain
from bot.views.blocks import mrkdwn as markup
from bot.views.chain import chain_lines, has_stages
from bot.views.mine import to_use
from bot.views.narrowed import told
from bot.views.progress import progress
from bot.views.review import state_of, time_given


def answer_to_several(facts: BatchFacts) -> Rendered:
    """With the holder's buttons for each that is open."""
    full = _answer(facts, brief=False)
    return full if size(full.blocks) < FITS else _answer(facts, brief=True)


def _answer(facts: BatchFacts, *, brief: bool) -> Rendered:
    """`brief`: without what else is known of each, which stands in `/access mine`."""
    states = {_state(one) for one in facts.parts}
    state = states.pop() if len(states) == 1 else "Answered"
    said, first = f"{state}, {counted(len(facts.parts), 'request', 'requests')}", facts.parts[0].request
    more = f" and {len(facts.parts) - 1} more" if len(facts.parts) > 1 else ""
    blocks = [
        header(said),
        *(block for one in facts.parts for block in _part(one, brief=brief)),
        *written(facts.parts),
        *_at_the_end(facts),
    ]
    return Rendered(text=f"{said}: {first.entitlement}{more}, request {short(first.id)}", blocks=blocks)


def _state(facts: CardFacts) -> str:
    return "Waiting" if facts.request.status == RequestStatus.PENDING else state_of(facts)


def _part(facts: CardFacts, *, brief: bool) -> list[Block]:
    """In at most four blocks, so that ten of them fit."""
    request, grant = facts.request, facts.grant
    identifier, narrowed = f"id {code(short(request.id))}", texts(told(facts))
    if request.status == RequestStatus.PENDING:
        why = [plain(facts.unanswerable)] if facts.unanswerable else []
        chain = texts(chain_lines(facts.chain)) if has_stages(facts.chain) else []
        return [what(request)[0], small(markup(f"*Waiting* · {identifier}"), *narrowed, *why, *chain)]
    state = markup(f"{answered(facts)} · {time_given(request)} · {identifier}")
    if grant is None:
        return [what(request)[0], small(state, *became(facts))]
    now, *others = [block for block in progress(grant) if block["type"] == "section"]
    return [what(request)[0], now, small(state, *narrowed, *([] if brief else texts(others))), *_buttons(facts)]


def _buttons(facts: CardFacts) -> list[Block]:
    if facts.grant is None:
        return []
    if not facts.is_the_holders:
        return [context(f"Only {mention(facts.grant.subject_slack)} can use it and give it back.")]
    which = f"{facts.grant.entitlement}, request {short(facts.request.id)}"
    buttons = to_use(facts.grant, which, extendable=facts.extendable)
    return [actions(*buttons)] if buttons else []


def _at_the_end(facts: BatchFacts) -> list[Block]:
    """Of what can be used, what the end means, once."""
    opened = [one for one in facts.parts if one.grant is not None and one.is_the_holders and _buttons(one)]
    means = dict.fromkeys(one.request.end_means for one in opened if one.request.end_means)
    ends = [note(f"When time is up: {' '.join(means)}")] if means else []
    back = "To give one back before its end: I'm done."
    return [*ends, *([context(back)] if opened else [])]
