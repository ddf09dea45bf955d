"""What is pictured can come about: the core brings about each card's state, and its sentences are the product's own."""

import ast
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from access.actors import by_slack
from access.grants.revoke import return_access, revoke
from access.messages.facts import CardFacts, card_of
from access.models import AlertKind, EndedBy
from access.requests.cancel import cancel
from bot.views.progress import begins_later, progress
from tests.bot.facts import SENTENCES, a_grant, a_request, a_review, approved, facts
from tests.bot.states import GRANTS, REQUESTS
from tests.cast import ANN, BEN, POLICY, SAM
from tests.world import World

ROOT = Path(__file__).parents[2]
_COPIED = 5
"""So many words in a row are no chance."""
_ALIKE, _NAMES = 4, 8
"""Words in a row that count as the product's, and the most names and numbers between them."""
PICTURED = REQUESTS | {name: approved(grant) for name, grant in GRANTS.items()}
Shape = tuple[Any, ...]


def shape(card: CardFacts) -> Shape:
    """What decides which kinds of words a card has."""
    request, grant = card.request, card.grant
    votes = [one for one in card.reviews if one.version == request.version]
    return (
        request.status, request.extends is not None, bool(request.decided_because),
        "for another" if request.subject_slack != request.requester_slack else "for oneself",
        tuple((one.verdict, "with words" if one.comment else "") for one in votes),
        f"{len(card.reviews) - len(votes)} votes of before",
        (grant.status, grant.ended_by, begins_later(grant)) if grant else "no grant",
    )  # fmt: skip


def asked(world: World) -> Iterator[None]:
    request = world.ask()
    yield
    cancel(world.core, request_id=request.id, by=by_slack(ANN))
    yield
    world.deny(world.ask())
    yield
    world.ask()
    world.work()  # the card is posted
    world.pass_time(hours=8)
    yield


def left(world: World) -> Iterator[None]:
    world.open()
    world.ask(entitlement="customers-db/fix-orders")
    world.gone[ANN] = "Slack shows this account as deactivated."
    for _ in range(3):
        world.pass_time(minutes=5)
    yield


def opened_and_expired(world: World) -> Iterator[None]:
    grant = world.scheduled(minutes=5)
    yield
    world.server.weather = "down"
    world.work()
    yield
    world.server.weather = "fine"
    world.live_through(minutes=2)
    yield
    world.server.weather = "stubborn"
    world.pass_time(minutes=5)
    yield
    world.server.weather = "fine"
    world.live_through(minutes=2)
    assert world.again(grant).status == "ended"
    yield


def ended_early(world: World) -> Iterator[None]:
    return_access(world.core, grant_id=world.open().id, by=by_slack(ANN))
    world.work()
    yield
    revoke(world.core, grant_id=world.open(by=BEN).id, by=by_slack(SAM), reason="The laptop was stolen.")
    world.work()
    yield


def for_later(world: World) -> Iterator[None]:
    world.approve(world.ask(starts_at=world.clock.now() + timedelta(hours=1)))
    yield


def never_opened(world: World) -> Iterator[None]:
    world.server.weather = "down"
    world.scheduled()
    for _ in range(2):
        world.pass_time(minutes=8)
    yield


def refused_before_it_opened(world: World) -> Iterator[None]:
    world.scheduled()
    world.rewrite_policy("engineers: {people: [ann, ben, lea]}", "engineers: {people: [ben, lea]}")
    world.work()
    yield


def could_not_be_opened(world: World) -> Iterator[None]:
    world.server.weather = "refuses"
    world.scheduled()
    world.work()
    yield


def gone_from_the_target(world: World) -> Iterator[None]:
    world.open(minutes=120)
    world.server.holders.clear()
    for _ in range(3):
        world.pass_time(minutes=11)
    yield


def more_time(world: World) -> Iterator[None]:
    grant = world.open()
    request = world.extend(grant)
    yield
    world.approve(request)
    yield
    return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
    world.work()
    grant = world.open()
    world.extend(grant)
    return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
    world.work()
    yield


STORIES: list[Callable[[World], Iterator[None]]] = [
    asked, for_later, opened_and_expired, ended_early, never_opened, could_not_be_opened, gone_from_the_target,
    more_time, refused_before_it_opened, left,
]  # fmt: skip


def reached(world: World) -> Iterator[Shape]:
    """All that cards go through in these stories, one after the other."""
    for story in STORIES:
        for _ in story(world):
            yield from (shape(card_of(world.core, one.id)) for one in world.requests())
        world.server.weather = "fine"
        world.gone.clear()
        world.policy_file.write_text(POLICY, encoding="utf-8")
        world.pass_time(hours=9)
        world.pass_time(minutes=5)


def test_every_card_that_is_pictured_can_come_about(world: World) -> None:
    known = set(reached(world))

    assert {name: shape(card) for name, card in PICTURED.items() if shape(card) not in known} == {}
    for nobody_reaches in (
        approved(None),
        facts(a_request(subject="ben", subject_slack=BEN)),
        facts(a_request(status="approved"), a_grant(), a_review(comment="Only the stuck ones.")),
        facts(a_request(version=2), None, a_review(version=1), version=2),
    ):
        assert shape(nobody_reaches) not in known


def test_why_access_never_opened_is_said_once(world: World) -> None:
    """While it waited, its row said why not yet; that is the reason at the end, or is not true any more."""
    late = world.scheduled(minutes=60)
    world.rewrite_policy("engineers: {people", "engineer: {people")
    for _ in range(2):
        world.pass_time(minutes=8)
    world.rewrite_policy("engineer: {people", "engineers: {people")
    refused = world.scheduled()
    world.rewrite_policy("engineers: {people", "engineer: {people")
    world.work()
    world.rewrite_policy("engineer: {people: [ann, ben, lea]}", "engineers: {people: [ben, lea]}")
    world.pass_time(minutes=1)

    ends = [world.again(late), world.again(refused)]
    assert [one.ended_by for one in ends] == [EndedBy.LATE, EndedBy.REFUSED]
    assert [one.problem for one in ends] == ["The access policy cannot be used."] * 2
    assert [str(progress(one)).count("The access policy cannot be used.") for one in ends] == [1, 0]


def test_no_state_copies_a_sentence_of_the_product() -> None:
    """A copy goes on to be shown when the product says something else by now."""
    said = {run for part in ("access", "bot", "workers") for one in strings(part) for run in runs(one)}
    copied = {one for one in strings("tests/bot/states.py") for run in runs(one) if run in said}

    assert len(said) > 1_000
    assert copied == set()


def test_what_an_alert_says_in_a_state_is_what_the_product_would_say() -> None:
    """Written out there with names and numbers; what stands between them is found in the product, four words in a row.

    What is wrong with a policy has tests of its own, sentence by sentence; why a message does not arrive is taken from
    the product.
    """
    own = (AlertKind.POLICY, AlertKind.UNDELIVERED)
    said = {run for part in ("access", "workers") for one in strings(part) for run in runs(one, _ALIKE)}
    gaps = {kind: longest_gap(sentence, said) for kind, sentence in SENTENCES.items() if kind not in own}

    assert {kind: gap for kind, gap in gaps.items() if len(gap) > _NAMES} == {}
    assert len(longest_gap("Access that was given may be there for longer than it should be.", said)) > _NAMES


def longest_gap(sentence: str, said: set[str]) -> list[str]:
    """The most words in a row that are not the product's."""
    words, known = sentence.split(), set[int]()
    for at in range(len(words) - _ALIKE + 1):
        if " ".join(words[at : at + _ALIKE]) in said:
            known |= set(range(at, at + _ALIKE))
    gaps = [list[str]()]
    for at, word in enumerate(words):
        if at in known:
            gaps.append([])
        else:
            gaps[-1].append(word)
    return max(gaps, key=len)


def strings(place: str) -> Iterator[str]:
    path = ROOT / place
    for file in path.rglob("*.py") if path.is_dir() else [path]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def runs(text: str, length: int = _COPIED) -> Iterator[str]:
    words = re.findall(r"[^\s{}]+", text)
    yield from (" ".join(words[at : at + length]) for at in range(len(words) - length + 1))
