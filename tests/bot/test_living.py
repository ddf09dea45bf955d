"""Whatever anybody writes, on any surface: it stays words, and Slack takes what we send."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from access.alert_rows import GRANT_ALERTS
from access.choices import Choices
from access.ids import Person
from access.messages.facts import CardFacts
from access.models import AlertKind, EndedBy, GrantStatus, Request, RequestStatus, Verdict
from access.ports import Secret
from access.queries.mine import Mine
from access.words import clean
from bot.refusals import refusal
from bot.views.alert import alert_card, group_card
from bot.views.answer import answer, asked, ended, returned, taken_back, warning
from bot.views.blocks import Rendered
from bot.views.extension import extension_form
from bot.views.form import request_form, suggestions
from bot.views.help import help_message
from bot.views.home import home_notice
from bot.views.mine import mine_list
from bot.views.modals import denial, done, notice, revocation, secret_view
from bot.views.reminder import reminder
from bot.views.review import review_card
from sandbox.block_kit import HOME, MODAL
from sandbox.living import living
from sandbox.validator import check_message, check_view, suggestion_problems
from tests.bot import standing_states
from tests.bot.digest_states import busy, messages
from tests.bot.facts import (
    a_choice,
    a_grant,
    a_preview,
    a_request,
    a_review,
    an_alert,
    an_extendable,
    facts,
    history,
    minutes,
)
from tests.bot.states import a_group, at_home, reminding
from tests.cast import BEN

LONGEST = 500
"""Characters of what people write; more is refused before it is shown anywhere."""
BIDIRECTIONAL = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
NASTY = (
    "<!channel>", "<!here|all of you>", "<!everyone>", "<@U0EVE>", "<#C0SEC>", "<!subteam^S0SRE>",
    "<https://evil.example|https://console.example>", "<mailto:eve@evil.example|Lea>", "<!date^0^{date}^https://x.y|now>",
    "https://evil.example", "http://x", "www.evil.example", "eve@evil.example", "@here", "@channel", "@ann", "#general",
    "*Approved by* Lea", "_i_", "~s~", "`c`", "```", "```pre```", "> quoted", "&gt; quoted", ":tada:", ":+1:", "&lt;",
    "&lt;!channel&gt;", "&amp;lt;", "\u202egnp.exe\u202c", "\u2066", "\u200f", "\u200b", "\u00ad", "\ufe0f",
    "\U000e0041", "\ue0000\ue001", "\n", "\r\n", "\u2028", "\t", "\0", "\u0301", "👩\u200d👩", "*", "_", "<", ">", "|",
    "a" * 300, "\n" * 300,
)  # fmt: skip


@dataclass(frozen=True)
class Words:
    """One text for each field that a person, a policy or a target fills."""

    reason: str = "calm"
    comment: str = "calm"
    end_reason: str = "calm"
    role_title: str = "calm"
    resource_title: str = "calm"
    end_means: str = "calm"
    problem: str = "calm"
    sentence: str = "calm"
    residual: str = "calm"
    statement: str = "calm"
    label: str = "calm"
    secret: str = "calm"
    requester: str = "calm"
    reviewer: str = "calm"
    ender: str = "calm"


Payload = Rendered | dict[str, Any]


def a_written_request(words: Words, **values: Any) -> Request:
    known = {
        "requester": Person(words.requester), "subject": Person(words.requester), "reason": words.reason,
        "role_title": words.role_title, "resource_title": words.resource_title, "end_means": words.end_means,
    }  # fmt: skip
    return a_request(**(known | values))


def decided(words: Words, request: RequestStatus, verdict: Verdict, grant: Any = None) -> CardFacts:
    review = a_review(verdict, comment=words.comment, reviewer=Person(words.reviewer))
    return facts(a_written_request(words, status=request, decided_at=minutes(3)), grant, review)


def in_every_state(words: Words) -> Iterator[CardFacts]:
    for_ben = a_written_request(words, subject=Person("b" + words.requester), subject_slack=BEN)
    yield facts(a_written_request(words), history=history())
    yield facts(for_ben)
    for status in (RequestStatus.PENDING, RequestStatus.APPROVED):
        more = {"extends": a_grant().id, "until": minutes(183), "duration_s": None}
        yield facts(a_written_request(words, status=status, **more), extends=a_grant())
    yield facts(a_written_request(words, starts_at=minutes(1200)))
    for status in (RequestStatus.LAPSED, RequestStatus.CANCELLED):
        yield facts(a_written_request(words, status=status))
    yield decided(words, RequestStatus.DENIED, Verdict.DENY)
    for status in GrantStatus:
        grant = a_grant(
            status, subject=Person(words.requester), problem=words.problem, end_reason=words.end_reason,
            ended_by_person=words.ender, residual=[words.residual],
        )  # fmt: skip
        grant.ended_by = EndedBy.REVOKED if status in (GrantStatus.REVOKING, GrantStatus.ENDED) else None
        yield decided(words, RequestStatus.APPROVED, Verdict.APPROVE, grant)
    never = {"expires_at": None, "activated_at": None, "removed_at": None, "proven_at": None}
    late = a_grant(GrantStatus.ENDED, **never, problem=words.problem, end_reason=words.end_reason)
    yield decided(words, RequestStatus.APPROVED, Verdict.APPROVE, late)
    behind = a_grant(extensions=1, target_expiry_stale_since=minutes(60), problem=words.problem)
    yield decided(words, RequestStatus.APPROVED, Verdict.APPROVE, behind)
    later = a_grant(GrantStatus.SCHEDULED, starts_at=minutes(1200))
    yield decided(words, RequestStatus.APPROVED, Verdict.APPROVE, later)


def granted(words: Words) -> Iterator[CardFacts]:
    return (each for each in in_every_state(words) if each.grant is not None)


def alerts(words: Words) -> Iterator[Rendered]:
    yield standing_states.hostile(words.sentence)
    plan = {"revoke": [words.statement, words.statement], "where": words.statement}
    grant = a_grant(GrantStatus.REVOKING, plan=plan, subject=Person(words.requester), problem=words.problem)
    for kind in AlertKind:
        for closed_at in (None, minutes(150)):
            alert = an_alert(kind, sentence=words.sentence, closed_at=closed_at)
            yield alert_card(alert, grant)
            if kind in GRANT_ALERTS:
                yield group_card(alert, a_group(kind, first=[words.sentence] * 5))


def forms(words: Words) -> Iterator[Payload]:
    titles = {"resource_title": words.resource_title, "role_title": words.role_title}
    choices = Choices(a_choice(number, **titles) for number in range(3))
    yield request_form(choices)
    yield request_form(choices, a_preview(end_means=words.end_means))
    yield request_form(choices, words.sentence)
    many = Choices(a_choice(number, **titles) for number in range(300))
    yield {"option_groups": suggestions(many.search("", most=100))}


def modals(words: Words) -> Iterator[Payload]:
    fields = ((words.label, SecretStr(words.secret)), ("Host", SecretStr(words.secret)))
    yield secret_view(Secret(fields=fields, note=words.sentence))
    yield denial(a_written_request(words), "{}")
    yield extension_form(an_extendable(), longer="30m", reason=words.reason)
    yield revocation(a_grant(subject=Person(words.requester)))
    yield notice("Not possible", words.sentence)
    yield done("Asked", asked(facts(a_written_request(words))).blocks)


def lists(words: Words) -> Iterator[Payload]:
    request = a_written_request(words)
    mine = Mine(requests=[request], grants=[a_grant(problem=words.problem)])
    yield mine_list(mine, minutes(60), {})
    yield at_home(mine, request, request)
    yield home_notice(words.sentence)


def said_aside(words: Words) -> Iterator[Payload]:
    request = a_written_request(words)
    yield asked(facts(request))
    yield reminder(reminding(request))
    yield returned(a_grant())
    yield taken_back(request)
    yield refusal(words.sentence)
    yield help_message([("done <id>", "gives your access back.")])


SURFACES: dict[str, Callable[[Words], Iterator[Payload]]] = {
    "cards": lambda words: map(review_card, in_every_state(words)),
    "answers": lambda words: map(answer, in_every_state(words)),
    "ends": lambda words: map(ended, granted(words)),
    "warnings": lambda words: map(warning, granted(words)),
    "alerts": alerts,
    "forms": forms,
    "modals": modals,
    "lists and Home": lists,
    "said to one person": said_aside,
    "digest": lambda words: iter(messages(busy(words.reason, words.sentence, words.requester, words.reviewer))),
}


def written(longest: int = LONGEST) -> st.SearchStrategy[str]:
    """Anything at all, and what Slack would read as more than words, together and apart."""
    parts = st.lists(st.sampled_from(NASTY) | st.text(max_size=20), min_size=1, max_size=6)
    return st.builds(lambda between, some: between.join(some)[:longest], st.sampled_from(["", " ", "\n"]), parts)


ANY = written().filter(bool)
TITLE = written(75).map(lambda text: " ".join(clean(text).text.split()) or "x")
"""As the policy takes it: one line, nothing hidden."""
PERSON = st.from_regex(r"[a-z0-9]([a-z0-9.-]|(?<![.-])_){0,62}", fullmatch=True)
"""As the policy takes it."""
WORDS = st.builds(
    Words, reason=ANY, comment=ANY, end_reason=ANY, role_title=TITLE, resource_title=TITLE, end_means=ANY, problem=ANY,
    sentence=written(4_000).filter(bool), residual=ANY, statement=ANY, label=ANY, secret=ANY, requester=PERSON,
    reviewer=PERSON, ender=PERSON,
)  # fmt: skip
HOSTILE = " ".join(NASTY[:32])


@pytest.mark.parametrize("surface", SURFACES)
# What came alive, or what Slack refuses, is said by itself: making the example smaller would take minutes.
@settings(max_examples=30, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(words=WORDS)
@example(words=replace(Words(*[HOSTILE] * 3, *[HOSTILE[:75]] * 2, *[HOSTILE] * 7), sentence=(HOSTILE * 10)[:4_000]))
def test_whatever_is_written_stays_words_and_slack_takes_it(surface: str, words: Words) -> None:
    payloads = list(SURFACES[surface](words))
    assert alive(payloads) == alive_of_calm_words(surface)
    for payload in payloads:
        check(payload)
        assert not BIDIRECTIONAL & set(json.dumps(read(payload), ensure_ascii=False))


def alive(payloads: Iterable[Payload]) -> Counter[tuple[str, str]]:
    """Everything that is more than words: what leads somewhere with its target, and how often there is which style."""
    found = [live for payload in payloads for live in living(as_sent(payload))]
    leads = ("person", "channel", "group", "broadcast", "link", "date", "emoji")
    return Counter((live.kind, live.target if live.kind in leads else "") for live in found)


@cache
def alive_of_calm_words(surface: str) -> Counter[tuple[str, str]]:
    return alive(SURFACES[surface](Words()))


def as_sent(payload: Payload) -> dict[str, Any]:
    return {"text": payload.text, "blocks": payload.blocks} if isinstance(payload, Rendered) else payload


def check(payload: Payload) -> None:
    """Raises what Slack would answer."""
    if isinstance(payload, Rendered):
        assert 0 < len(payload.text) < 400
        check_message(payload.blocks)
    elif "type" in payload:
        check_view(payload, HOME if payload["type"] == "home" else MODAL)
    else:
        assert suggestion_problems(payload) == []


def read(node: Any) -> Any:
    """Without what is there to be copied: it has to stay as it is."""
    if isinstance(node, Rendered):
        return read(node.blocks)
    if isinstance(node, list):
        return [read(each) for each in node]
    if not isinstance(node, dict) or node.get("type") == "rich_text_preformatted":
        return {} if isinstance(node, dict) else node
    return {key: read(value) for key, value in node.items()}
