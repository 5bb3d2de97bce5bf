"""The loop's turns: real sockets that are ready together."""

from __future__ import annotations

import asyncio
import selectors
import socket
from collections.abc import Callable

from node_impl.io.turns import Turns


class Noting(Turns):
    """Notes when it is asked what is ready."""

    def __init__(self, notes: list[str]) -> None:
        super().__init__()
        self.notes = notes

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.notes.append("ask")
        return super().select(timeout)


def played(play: Callable[[asyncio.AbstractEventLoop, Noting, list[str]], None]) -> list[str]:
    """What was noted from the first turn after `play` on, until it stops the loop."""
    notes: list[str] = []
    turns = Noting(notes)
    loop = asyncio.SelectorEventLoop(turns)
    try:
        turns.at_end(loop, lambda: notes.append("end"))
        play(loop, turns, notes)
        loop.run_forever()
    finally:
        loop.close()
    return notes


def test_a_turn_ends_behind_all_that_were_ready_and_before_the_loop_asks_again() -> None:
    pairs = [socket.socketpair() for _ in range(3)]

    def play(loop: asyncio.AbstractEventLoop, turns: Noting, notes: list[str]) -> None:
        def read(here: socket.socket) -> None:
            here.recv(10)
            notes.append("read")
            assert turns.is_reading
            if notes.count("read") == len(pairs):
                loop.call_soon(loop.stop)

        for here, there in pairs:
            there.send(b"x")
            loop.add_reader(here, read, here)

    notes = played(play)
    first = notes.index("read")
    assert notes[first - 1 : first + 5] == ["ask", "read", "read", "read", "end", "ask"]
    for pair in pairs:
        for end in pair:
            end.close()


def test_a_turn_in_which_nothing_was_read_has_no_end() -> None:
    def play(loop: asyncio.AbstractEventLoop, turns: Noting, notes: list[str]) -> None:
        def ring() -> None:
            assert not turns.is_reading
            notes.append("timer")
            loop.stop()

        loop.call_later(0.01, ring)

    notes = played(play)
    assert "timer" in notes
    assert "end" not in notes


def test_what_is_posted_behind_a_turns_end_waits_for_no_other() -> None:
    """The end says that it is over, so that later callers ask to be called in the next turn."""
    here, there = socket.socketpair()

    def play(loop: asyncio.AbstractEventLoop, turns: Noting, notes: list[str]) -> None:
        def read() -> None:
            here.recv(10)
            loop.call_soon(after)

        def after() -> None:
            notes.append(f"reading: {turns.is_reading}")
            loop.stop()

        there.send(b"x")
        loop.add_reader(here, read)

    assert played(play)[-1] == "reading: False"
    here.close()
    there.close()
