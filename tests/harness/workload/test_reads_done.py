"""How much of the final reads is done: what a run shows while it reads back."""

from __future__ import annotations

import msgspec

from harness.generator import clients, phases, sleep
from harness.interpreter.interpreter import Interpreter
from harness.workload.final_reads import recover, recover_and_read, share_done
from history import Operation
from history.units import MILLISECOND_NS

NODES = ("n1", "n2", "n3")


def shares_of(interpreter: Interpreter, silent: str = "") -> list[float | None]:
    """The share after each step until the reads end; a silent node fails each read."""
    shares: list[float | None] = []
    now, done = 0, False
    completions: list[Operation] = []
    while not done and len(shares) < 10_000:
        step = interpreter.step(now, completions)
        done = step.done
        now += 10 * MILLISECOND_NS
        kinds = {True: "fail", False: "ok"}
        completions = [
            msgspec.structs.replace(one, type=kinds[one.node == silent], time=now, raft_index=7)
            for one in interpreter.pending
        ]
        shares.append(share_done(interpreter.generator))
    assert done
    return shares


def test_the_share_grows_from_nothing_to_all_reads() -> None:
    final = recover_and_read({"f": "register"}, NODES, lambda _: ("a", "b", "c", "d"))
    shares = shares_of(Interpreter(phases(sleep(0), final), threads=4, nodes=NODES, seed=1))
    assert shares[0] is None, "the reads begin only once a write is acknowledged"
    known = [share for share in shares if share is not None]
    assert known == sorted(known)
    assert known[0] < 0.2
    assert known[-1] > 0.8, "the last three reads end in one step"


def test_a_node_that_is_given_up_counts_as_read() -> None:
    final = recover_and_read({"f": "register"}, NODES, lambda _: ("a", "b"))
    shares = shares_of(Interpreter(final, threads=4, nodes=NODES, seed=1), silent="n2")
    assert max(share for share in shares if share is not None) > 0.75


def test_without_final_reads_no_share_is_known() -> None:
    assert share_done(clients(recover({"f": "acquire"}))) is None
