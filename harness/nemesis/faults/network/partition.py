"""Partition: links between nodes carry nothing, while both ends believe that they are connected."""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.action import Action, Link
from harness.nemesis.fault import Fault
from harness.nemesis.faults.network.losing import begin_to_lose
from harness.nemesis.faults.network.shapes import SHAPES, links_of_shape
from harness.nemesis.mechanisms.links import LINKS
from harness.nemesis.mechanisms.world import WorldMechanisms
from harness.nemesis.needs import NFT, ROOT
from harness.nemesis.outcome import Outcome
from harness.nemesis.view import ClusterView
from history import Operation
from history.topology import topology


class Cut(Action, frozen=True):
    """Let nothing through on these links any more, in addition to those that are cut already."""

    verb = "cut"
    links: tuple[Link, ...]

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once these links have swallowed something; the details show which nodes can still talk."""
        outcome, cut = await begin_to_lose(world, LINKS, self.links)
        return outcome.with_details(groups=topology(world.names, cut).words())


class Heal(Action, frozen=True):
    """Let everything through on all links."""

    verb = "heal all links"

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done if any link was cut; the details count what each swallowed meanwhile."""
        healed = await world.mechanism(LINKS).heal()
        return Outcome(bool(healed.links), healed.details())


class PartitionPlanner:
    """`partition` with a shape as its target, `heal` for all links."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Cut the links of the shape."""
        if operation.f == "heal":
            return (Heal(),)
        links = links_of_shape("partition", operation, view, Draw(draw))
        return (Cut(links),) if links else ()


PARTITION = Fault(
    name="partition",
    about="cuts links between nodes: the links drop every message without an error",
    begin="partition",
    end="heal",
    targets=tuple(SHAPES),
    planner=PartitionPlanner(),
    actions=(Cut, Heal),
    mechanisms=(LINKS,),
    evidence="messages or packets that were swallowed",
    proof="traffic lost",
    family="partition",
    begun_by=(Cut,),
    ended_by=(Heal,),
    packet_needs=(ROOT, NFT),
)
