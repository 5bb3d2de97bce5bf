"""Loss: links that lose some of what they carry, at random.

Where packets are lost TCP sends them again, late and in bursts; where links are proxies whole messages are
lost for good, which a protocol over TCP seldom meets and must survive all the same.

Links are chosen by the shapes of partitions: what a partition would cut, a loss makes bad.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.action import Action, Link
from harness.nemesis.fault import Fault
from harness.nemesis.faults.network.losing import begin_to_lose
from harness.nemesis.faults.network.shapes import SHAPES, links_of_shape
from harness.nemesis.mechanisms.links import LOSSY_LINKS
from harness.nemesis.mechanisms.world import WorldMechanisms
from harness.nemesis.needs import NFT, ROOT
from harness.nemesis.outcome import Outcome
from harness.nemesis.view import ClusterView
from history import Operation


class Lose(Action, frozen=True):
    """Lose some packets on these links, at random, in addition to those that lose some already."""

    verb = "lose messages on"
    links: tuple[Link, ...]

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once these links have lost something."""
        outcome, _ = await begin_to_lose(world, LOSSY_LINKS, self.links)
        return outcome


class EndLoss(Action, frozen=True):
    """Lose no more packets."""

    verb = "lose no more messages"

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done if any link lost packets; the details count how many."""
        healed = await world.mechanism(LOSSY_LINKS).heal()
        return Outcome(bool(healed.links), healed.details())


class LossPlanner:
    """`loss` with a partition's shape as its target, `heal-loss` for all links."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Make the links of the shape bad."""
        if operation.f == "heal-loss":
            return (EndLoss(),)
        links = links_of_shape("loss", operation, view, Draw(draw))
        return (Lose(links),) if links else ()


LOSS = Fault(
    name="loss",
    about="links between nodes lose 20 % of their packets, or messages, at random",
    begin="loss",
    end="heal-loss",
    targets=tuple(SHAPES),
    planner=LossPlanner(),
    actions=(Lose, EndLoss),
    mechanisms=(LOSSY_LINKS,),
    evidence="how many messages or packets were lost",
    proof="traffic lost",
    family="wire",
    begun_by=(Lose,),
    ended_by=(EndLoss,),
    packet_needs=(ROOT, NFT),
)
