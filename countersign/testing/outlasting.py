"""The promise about the person who has access: its end is not theirs to move, and it is not theirs to give."""

from access.ports import Provider
from countersign.testing.fixtures import ContractFixtures, MakeSpec
from countersign.testing.steps import gets_in, grant, reveal, revoke
from countersign.testing.world import World


class Outlasting(ContractFixtures):
    """C29."""

    def test_c29_the_person_can_neither_prolong_the_access_nor_pass_it_on(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        spec = make_spec()
        receipt = grant(provider, spec).receipt
        secret, ends = reveal(provider, spec), world.own_end(spec)
        with world.outlasting(spec, secret) as tried:
            assert tried or self.no_obstacles.get("C29"), "C29: the person tries nothing, and nothing says why"
            worked = {what for what, did in tried.items() if did}
            moved = world.own_end(spec) != ends
            told = revoke(provider, spec, receipt).residual
            stays = gets_in(world, spec, secret)
        unforeseen = sorted(worked - self.cannot_forbid.keys())
        assert not unforeseen, f"C29: the person could do this: {unforeseen}"
        assert not moved, "C29: the person moved the end"
        assert not stays, "C29: the person gets in after the end"
        assert not worked or told, f"C29: the target lets this happen, and the end does not tell it: {sorted(worked)}"
        idle = sorted(self.cannot_forbid.keys() - worked) if tried else []
        assert not idle, f"C29: the target forbids this, and the class says that it cannot: {idle}"
