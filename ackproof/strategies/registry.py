"""A state machine for service registries: it registers, removes and looks up, and knows what may be seen.

One client works at a time, so what a lookup may show is simple: the last change that was acknowledged, or a
change whose outcome is not known. Such a change may still take effect later, so it stays possible.

    class MyClient:
        def register(self, key, value): ...     # True; False: certainly not done; OSError: not known
        def deregister(self, key): ...          # the same
        def lookup(self, key): ...              # the value or None; OSError: no answer
        def close(self): ...

    TestMine = registry_machine(MyClient).TestCase

In the end all faults are ended, and every key is looked up once more: an answer must come, and be right.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

FINAL_TRIES = 100
FINAL_PAUSE_S = 0.1
"""Between two of the final lookups of a key, where the client cannot wait itself."""
MOST_WAIT_MS = 1500
NOTHING: frozenset[str | None] = frozenset({None})


class RegistryClient(Protocol):
    """What a registry's client can do. An OSError, such as TimeoutError, says that no answer came."""

    def register(self, key: str, value: str) -> bool | None:
        """Put a value under a key; False if that was certainly not done, and never will be."""
        ...

    def deregister(self, key: str) -> bool | None:
        """Remove what is under a key; False as for `register`."""
        ...

    def lookup(self, key: str) -> str | None:
        """The value under a key, or None."""
        ...

    def close(self) -> None:
        """Let go of what was opened."""
        ...


@runtime_checkable
class Harmed(Protocol):
    """A client that can also harm the cluster and let time pass; the machine then does so, too."""

    faults: Sequence[str]
    """The names of the faults; each may be on once at a time."""

    def begin_fault(self, name: str) -> bool | None:
        """Let a fault begin; False if there is nothing that it could do now."""
        ...

    def end_fault(self, name: str) -> None:
        """Heal it."""
        ...

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        ...


def registry_machine(
    client: Callable[[], RegistryClient],
    *,
    keys: Sequence[str] = ("svc/10.0.0.1:80", "svc/10.0.0.2:80"),
) -> type[RuleBasedStateMachine]:
    """A state machine that tests a registry; its `TestCase` is what pytest runs.

    Args:
        client: makes a client of an empty registry, for each example; `simulated_registry(...)` makes one of
            the reference node in virtual time.
        keys: what is registered. Few keys meet more often.
    """
    some_key = st.sampled_from(list(keys))

    class RegistryMachine(RuleBasedStateMachine):
        """One client and, where it can harm the cluster, faults."""

        def __init__(self) -> None:
            super().__init__()
            self._registered = 0
            self._last = dict.fromkeys(keys, NOTHING)
            self._unknown: dict[str, frozenset[str | None]] = dict.fromkeys(keys, frozenset())
            self._on: list[str] = []
            self._has_failed = False

        @initialize()
        def open_client(self) -> None:
            """Make the client, and so the registry."""
            self._client = client()
            self._faults = list(self._client.faults) if isinstance(self._client, Harmed) else []

        @rule(key=some_key)
        def register(self, key: str) -> None:
            """Register a value that was never used before."""
            self._registered += 1
            value = f"r{self._registered}"
            self._change(key, value, lambda: self._client.register(key, value))

        @rule(key=some_key)
        def deregister(self, key: str) -> None:
            """Remove what is there."""
            self._change(key, None, lambda: self._client.deregister(key))

        @rule(key=some_key)
        def lookup(self, key: str) -> None:
            """Look a key up; the answer must be possible."""
            try:
                found = self._client.lookup(key)
            except OSError as error:
                note(f"lookup of {key}: no answer ({error})")
                return
            self._require_possible(key, found)

        @precondition(lambda self: len(self._on) < len(self._faults))
        @rule(data=st.data())
        def begin_fault(self, data: st.DataObject) -> None:
            """Let a fault begin that is not on."""
            off = [fault for fault in self._faults if fault not in self._on]
            fault = data.draw(st.sampled_from(off), "fault")
            if self._harmed().begin_fault(fault) is not False:
                self._on.append(fault)

        @precondition(lambda self: self._on)
        @rule(data=st.data())
        def end_fault(self, data: st.DataObject) -> None:
            """Heal a fault that is on."""
            self._end(data.draw(st.sampled_from(list(self._on)), "fault"))

        @precondition(lambda self: self._faults)
        @rule(milliseconds=st.integers(1, MOST_WAIT_MS))
        def wait(self, milliseconds: int) -> None:
            """Let time pass: leaders are elected meanwhile."""
            self._harmed().wait(milliseconds / 1000)

        def teardown(self) -> None:
            """Heal everything, look every key up, and close the client."""
            if not hasattr(self, "_client"):
                return
            if self._has_failed:
                self._client.close()
                return
            try:
                for fault in list(self._on):
                    self._end(fault)
                for key in keys:
                    self._require_possible(key, self._final(key))
            finally:
                self._client.close()

        def _end(self, fault: str) -> None:
            self._on.remove(fault)
            self._harmed().end_fault(fault)

        def _harmed(self) -> Harmed:
            assert isinstance(self._client, Harmed)
            return self._client

        def _change(self, key: str, value: str | None, act: Callable[[], bool | None]) -> None:
            try:
                is_done = act()
            except OSError as error:
                note(f"change of {key} to {value}: outcome not known ({error})")
                self._unknown[key] |= {value}
                return
            if is_done is not False:
                self._last[key] = frozenset({value})

        def _require_possible(self, key: str, found: str | None) -> None:
            possible = self._last[key] | self._unknown[key]
            if found not in possible:
                self._has_failed = True
                shown = " or ".join(sorted(str(one) for one in possible))
                raise AssertionError(f"a lookup of {key} showed {found}; it can only be {shown}")
            self._last[key] = frozenset({found})

        def _final(self, key: str) -> str | None:
            problem: OSError | None = None
            for _ in range(FINAL_TRIES):
                try:
                    return self._client.lookup(key)
                except OSError as error:
                    problem = error
                pause: Any = self._client.wait if isinstance(self._client, Harmed) else time.sleep
                pause(FINAL_PAUSE_S)
            raise AssertionError(f"no lookup of {key} was answered after all faults had ended: {problem}")

    return RegistryMachine
