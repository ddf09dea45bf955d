"""The line that a person types instead of filling the form, with the account of whom it is for."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from access.actors import Actor
from access.catalog import Entitlement
from access.core import Core
from access.errors import InvalidInput
from access.ids import SlackUser
from access.policy.line import Line, parse_line

_UNMARKED = "Slack did not mark {whom} as a person. Choose the person from the list that Slack shows after an @."
_ECHOED = 60


@dataclass(frozen=True)
class TypedLine:
    """A line as it was read; `subject`: the account of who receives it, where that is another."""

    line: Line
    subject: SlackUser | None


def read_line(
    core: Core, *, requester: Actor, text: str, zone: ZoneInfo, mentions: Mapping[str, SlackUser]
) -> TypedLine:
    """`<resource/role> <time> <reason…>`; raises InvalidInput with the nearest right one where it is wrong.

    `zone` is the requester's, for `until 17:00`. `mentions`: the accounts that Slack marked in it, by how
    they are read.
    """
    with core.refusals_recorded(requester, "request.submit", None):
        policy = core.policy.current()
        person = core.person(requester, policy)
        mine = {Entitlement(one.resource_id, one.role): one.longest for one in policy.requestable_by(person.name)}
        bundles = {one.id: one.entitlements for one in policy.bundles_by(person.name)}
        line = parse_line(text, requestable=mine, now=core.clock.now(), zone=zone, bundles=bundles)
        if line.whom and line.whom not in mentions:
            # Never taken for a part of the reason: what was meant for another would be opened for who asks.
            raise InvalidInput("subject", _UNMARKED.format(whom=line.whom[:_ECHOED]))
    return TypedLine(line, mentions.get(line.whom))
