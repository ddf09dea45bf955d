"""Who acts, through what, and how sure that is."""

import pytest

from access.actors import Actor, Assurance, Via, by_host, by_slack, system
from access.errors import UnknownPerson
from access.grants.revoke import return_access
from access.ids import SlackUser
from tests.world import World


@pytest.mark.parametrize(
    ("actor", "written", "sure"),
    [
        (by_slack(SlackUser("U0ANN")), "slack:U0ANN", Assurance.SESSION),
        (system("timekeeper"), "system:timekeeper", Assurance.OURS),
        (by_host("root@db-1"), "cli:root@db-1", Assurance.HOST),
        (Actor(Via.WEB, "ann@example.com"), "web:ann@example.com", Assurance.SESSION),
        (Actor(Via.API, "backup"), "api:backup", Assurance.TOKEN),
    ],
)
def test_the_log_names_the_way_and_the_account(actor: Actor, written: str, sure: Assurance) -> None:
    assert (str(actor), actor.assurance) == (written, sure)


@pytest.mark.parametrize("actor", [system("timekeeper"), by_host("U0ANN"), Actor(Via.WEB, "U0ANN"), Actor(Via.API, "")])
def test_an_account_of_another_kind_is_no_persons_in_slack(world: World, actor: Actor) -> None:
    grant = world.open(minutes=30)

    with pytest.raises(UnknownPerson):
        return_access(world.core, grant_id=grant.id, by=actor)
    (refused,) = world.events("attempt.refused")
    assert refused.actor == str(actor)


def test_who_gives_back_is_written_as_the_account_that_pressed(world: World) -> None:
    grant = world.open(minutes=30)

    return_access(world.core, grant_id=grant.id, by=by_slack(SlackUser("U0ANN")))

    (revoking,) = world.events("grant.revoking")
    assert revoking.actor == "slack:U0ANN"
