"""A leader goes on from the same entry, though its follower refused it for lack of the one before."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.followers import Followers, Progress


class NeverGoesBack(Progress):
    """Takes each refusal for an old one."""

    def refused(self, prev_log_index: int, next_index: int) -> bool:  # noqa: ARG002 - this is the bug
        """Nothing is changed by a refusal."""
        return False


@breaks
class IgnoresRefusals(Followers):
    """Leaders do not decrement nextIndex."""

    def new_progress(self) -> Progress:
        """The same as ever, but it never goes back."""
        return NeverGoesBack(self._state.log.last_index + 1)


MUTANT = Mutant(
    name="refusals-ignored",
    about="a leader does not go back in its log for a follower that lacks entries",
    caught_by="convergence",
    seed=0,
    source="Raft, Figure 2, Leaders: after a refusal, try again with a lower nextIndex",
    also=(*CLIENT_CHECKERS, "recovery"),
    parts=Parts(followers=IgnoresRefusals),
)
