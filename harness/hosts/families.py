"""The families of one host's processes: which there are, and what is still alive of them."""

from __future__ import annotations

import signal

from harness.hosts.groups import ControlGroup, Family, Session, group_of, usable_parent
from harness.hosts.host import eventually
from harness.hosts.ledger import Ledger
from harness.hosts.processes import Identity, is_alive, is_stopped, send_signal
from harness.hosts.removal import CONTROL_GROUP

END_BOUND_S = 10.0
MORE_GRACE_S = 2.0


class Families:
    """What each process of a node has started; a process that belongs to no node is a family alone.

    Args:
        ledger: every control group is written down here before it is made.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._parent = usable_parent()
        self._groups: dict[str, ControlGroup] = {}
        """By node."""
        self._begun = 0
        self._families: dict[Identity, Family] = {}
        """By the process that was started."""
        self._grace_s: dict[Identity, float] = {}
        """How long the rest of a family may go on once its first process has ended; else it is killed."""

    def group_for(self, node: str | None) -> ControlGroup | None:
        """A control group for a process of a node that is about to be started; None where there are none."""
        if node is None or self._parent is None:
            return None
        self._begun += 1
        try:
            if node not in self._groups:
                made = group_of(self._parent, self._ledger.token, node)
                self._ledger.making(CONTROL_GROUP, str(made.path))
                self._groups[node] = made.make()
            return ControlGroup(self._groups[node].path / str(self._begun)).make()
        except OSError:
            return None  # a kernel that has them and refuses; the family is then a session

    def begin(self, process: Identity, group: ControlGroup | None) -> None:
        """Note that a process of a node was started, in this control group."""
        self._families[process] = group or Session(process)

    def members(self, process: Identity) -> tuple[Identity, ...]:
        """A process and what it has started, as far as they live."""
        alone = (process,) if is_alive(process) else ()
        family = self._families.get(process)
        # It may be alive and about to join its control group.
        return alone if family is None else tuple(dict.fromkeys((*alone, *family.members())))

    def are_stopped(self, process: Identity) -> bool:
        """Whether all of them are stopped."""
        return is_stopped(process) and all(map(is_stopped, self.members(process)))

    def kill(self, process: Identity) -> None:
        """Send SIGKILL to all of them."""
        self._grace_s.pop(process, None)
        family = self._families.get(process)
        if family is not None:
            family.kill()
        send_signal(process, signal.SIGKILL)

    def ask_to_end(self, process: Identity, bound_s: float) -> None:
        """Send SIGTERM to all, and SIGCONT. The caller waits for `bound_s`; only later are others killed."""
        self._grace_s[process] = bound_s + MORE_GRACE_S
        for member in self.members(process):
            send_signal(member, signal.SIGTERM)
            send_signal(member, signal.SIGCONT)

    def stop(self, process: Identity) -> bool:
        """Send SIGSTOP to those that are not stopped; whether all were, since more may have been started."""
        return self._signal(process, signal.SIGSTOP, is_wanted=True)

    def go_on(self, process: Identity) -> bool:
        """Send SIGCONT to those that are stopped; whether none was."""
        return self._signal(process, signal.SIGCONT, is_wanted=False)

    def _signal(self, process: Identity, number: signal.Signals, *, is_wanted: bool) -> bool:
        others = [member for member in self.members(process) if is_stopped(member) != is_wanted]
        for member in others:
            send_signal(member, number)
        return not others

    async def end_rest(self, process: Identity) -> None:
        """End what is left of the family of a process that has ended, after its time of grace."""
        family = self._families.get(process)
        if family is None:
            return
        if not await eventually(family.is_over, self._grace_s.get(process, 0.0)):
            family.kill()
            await eventually(family.is_over, END_BOUND_S)

    def remove_groups(self) -> None:
        """Remove the nodes' control groups; what cannot be removed stays in the ledger, for `clean`."""
        for group in self._groups.values():
            if group.end():
                self._ledger.gone(CONTROL_GROUP, str(group.path))
        self._groups.clear()
