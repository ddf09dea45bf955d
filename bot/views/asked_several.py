"""At once after asking: one request as it is, several in a few lines each, and what was left out."""

from collections.abc import Mapping, Sequence

from access.ids import short
from access.messages.facts import CardFacts
from bot.views.answer import asked, asked_now
from bot.views.asked import asked_people
from bot.views.blocks import Block, Rendered, View, at, channel, code, context, section, sentence
from bot.views.modals import done
from bot.views.undelivered import why_not_asked


def asked_all(cards: Sequence[CardFacts], left_out: Mapping[str, str]) -> Rendered:
    if len(cards) == 1:
        one = asked(cards[0])
        return Rendered(text=one.text, blocks=[*one.blocks, *_left_out(left_out)])
    names = ", ".join(one.request.entitlement for one in cards)
    blocks = [section(f"*Asked, each by itself.*{_whom(cards[0])} I'll message you when one is decided.")]
    blocks += [_on_one_card(several) for several in _by_card(cards)]
    blocks += [*_left_out(left_out), context("To take one back: `/access cancel` with its id.")]
    return Rendered(text=f"Asked for {len(cards)}: {names}"[:290], blocks=blocks)


def asked_all_in_modal(cards: Sequence[CardFacts], left_out: Mapping[str, str]) -> View:
    """The same in the form that was sent."""
    alone = len(cards) == 1 and cards[0].never_asked is not None
    return done("Not asked yet" if alone else "Asked", asked_all(cards, left_out).blocks)


def _by_card(cards: Sequence[CardFacts]) -> list[list[CardFacts]]:
    found: dict[str, list[CardFacts]] = {}
    for one in cards:
        found.setdefault(one.request.card_id or one.request.id, []).append(one)
    return [*found.values()]


def _on_one_card(several: Sequence[CardFacts]) -> Block:
    """The same people are asked of all of them."""
    facts, request = several[0], several[0].request
    lapse = "they lapse" if len(several) > 1 else "it lapses"
    people = asked_now(facts, usually=facts.usually)
    whom = f": {asked_people(people)}" if people.approvers else "."
    said = f"Asked in {channel(request.channel)}{whom} Unanswered, {lapse} {at(request.lapses_at)}."
    if facts.never_asked is not None:
        said = f"Not asked yet: {why_not_asked(facts.never_asked, request.channel)}"
    named = [f"*{code(one.request.entitlement)}* – id {code(short(one.request.id))}" for one in several]
    return section("\n".join([*named, said]))


def _whom(facts: CardFacts) -> str:
    return f" For {code(facts.request.subject)}." if not facts.is_the_holders else ""


def _left_out(parts: Mapping[str, str]) -> list[Block]:
    if not parts:
        return []
    return [
        section("*Not asked:*"),
        sentence("\n".join(f"{name}: {because}" for name, because in parts.items())),
    ]
