"""The Home tab: what I hold, what waits for me, what I wait for; and asking."""

from collections.abc import Iterable, Sequence

from access.ids import short
from access.messages.home import HomeFacts, Waiting
from access.words import counted
from bot import ids
from bot.views.asked import card_link
from bot.views.blocks import (
    Block,
    View,
    actions,
    at,
    button,
    code,
    context,
    escaped,
    header,
    mention,
    section,
    sentence,
)
from bot.views.mine import Links, all_waiting, by_another, holding
from bot.views.review import for_another, how_long, why

_MOST = 12
"""Rows of one kind. Two of these lists and fifteen requests to decide fit into the 100 blocks of a Home."""
_STRANGER = "You are not in the access policy. Ask the security team to add you."


def home(facts: HomeFacts, links: Links) -> View:
    """Nothing in it ages by itself: moments, never what is left until then."""
    if facts.mine is None:
        return home_notice(_STRANGER)
    ask = button("Ask for access", action=ids.ASK, value="ask", label="Ask for access, opens the form", style="primary")
    held = _listed(
        "What you hold", [holding(one, extendable=one.id in facts.mine.extendable) for one in facts.mine.grants]
    )
    by_others = [[by_another(one)] for one in facts.mine.by_others]
    asked = _listed("What you wait for", all_waiting(facts.mine, links) + by_others)
    return _home([actions(ask), *held, *_to_decide(facts, links), *asked])


def home_notice(words: str) -> View:
    """One sentence instead of everything."""
    return _home([sentence(words)])


def _home(blocks: list[Block]) -> View:
    return {"type": "home", "blocks": blocks}


def _to_decide(facts: HomeFacts, links: Links) -> list[Block]:
    rows = [_decidable(one, links) for one in facts.waiting]
    blocks = [header("What waits for you"), *(block for row in rows for block in row)]
    if not rows:
        return [*blocks, section("No request waits for your answer.")]
    if facts.more:
        blocks.append(context(f"And {counted(facts.more, 'more', 'more')}, in the approvers' channels."))
    return blocks


def _decidable(one: Waiting, links: Links) -> list[Block]:
    request, identifier = one.request, short(one.request.id)
    link = links.get(request.id)
    card = card_link(link, identifier) if link else f"Request {code(identifier)}"
    more = "more time with " if request.extends else ""
    asks = f"{mention(request.requester_slack)} asks for {more}{code(request.entitlement)}{for_another(request)}"
    terms = f"Level {escaped(request.level)}; {how_long(request)}"
    return [section(f"{asks}\n{terms}\n{card}, lapses {at(request.lapses_at)}"), why(request)]


def _listed(title: str, rows: Sequence[Iterable[Block]]) -> list[Block]:
    blocks = [header(title), *(block for row in rows[:_MOST] for block in row)]
    if not rows:
        blocks.append(section("Nothing at the moment."))
    if len(rows) > _MOST:
        blocks.append(context(f"And {counted(len(rows) - _MOST, 'more', 'more')}; {code('/access mine')} shows them."))
    return blocks
