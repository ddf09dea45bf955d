"""What who would receive access is told of what another person asked, while it waits and when it is decided."""

from access.ids import short
from access.messages.facts import CardFacts
from access.models import GrantStatus, RequestStatus
from bot.views.answer import asked_now, what
from bot.views.asked import asked_people
from bot.views.blocks import Block, Rendered, at, code, context, header, mention, section, sentence
from bot.views.chain import chain_lines, has_stages
from bot.views.progress import headline
from bot.views.review import comments, decision, state_of


def asked_for(facts: CardFacts) -> Rendered:
    """The holder's buttons come with a message of its own when it opens."""
    request = facts.request
    state = "Asked for you" if request.status == RequestStatus.PENDING else state_of(facts)
    asks = section(f"{mention(request.requester_slack)} asked for this access, which you would receive.")
    take_back = f"Only {mention(request.requester_slack)} can take it back." if state == "Asked for you" else ""
    blocks = [header(state), asks, *what(request), *_became(facts)]
    blocks.append(context(f"Request {code(short(request.id))}. {take_back}".strip()))
    return Rendered(text=f"{state}: {request.entitlement}, request {short(request.id)}", blocks=blocks)


def _became(facts: CardFacts) -> list[Block]:
    request = facts.request
    match RequestStatus(request.status):
        case RequestStatus.PENDING:
            return [*comments(facts.reviews), *_waits(facts)]
        case RequestStatus.LAPSED:
            because = request.decided_because
            return [sentence(because) if because else section("No approver answered in time.")]
        case RequestStatus.CANCELLED:
            if request.decided_because:
                return [section("*It was cancelled.*"), sentence(request.decided_because)]
            return [section(f"{mention(request.requester_slack)} took it back.")]
        case RequestStatus.DENIED:
            return decision(request, facts.reviews)
        case RequestStatus.APPROVED:
            return [*decision(request, facts.reviews), section(_granted(facts))]


def _waits(facts: CardFacts) -> list[Block]:
    if facts.unanswerable:
        asks = mention(facts.request.requester_slack)
        goes_on = "If they name another approver in the access policy, the request goes on by itself"
        told = f"The security team has been told. {goes_on}; else it lapses, and {asks} can ask again."
        return [section("*No one can approve it any more.*"), sentence(facts.unanswerable), section(told)]
    lapses = f"Unanswered, it lapses {at(facts.request.lapses_at)}."
    if has_stages(facts.chain):
        return [section(f"Waiting for an answer. {lapses}"), *chain_lines(facts.chain)]
    people = asked_people(asked_now(facts)) if facts.approvers else ""
    return [section(f"Waiting for an answer. {f'Asked: {people} ' if people else ''}{lapses}")]


def _granted(facts: CardFacts) -> str:
    grant = facts.grant
    if grant is None:
        return "It is about to be opened. I'll message you then."
    if grant.status == GrantStatus.SCHEDULED:
        return f"It opens {at(grant.starts_at)}. I'll message you then."
    return f"*{headline(grant)}.* {code('/access mine')} shows what you hold."
