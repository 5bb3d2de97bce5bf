"""Runs of a core: two of one seed, which must be the same, and the core that a command line names."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

import msgspec

from harness.errors import CouldNotRun
from harness.sim.lockstep.exchanges import Comparison, Exchanges
from harness.sim.lockstep.node import read_core
from harness.sim.lockstep.protocol import ForeignCore, LockstepError, said_of_itself
from harness.sim.lockstep.watching.watch import Touch, Watch

T = TypeVar("T")

COMPARED_SEEDS = 16
"""In a campaign, one seed in this number is run twice and compared."""
MOST_NAMED = 4
MOST_FILE_BYTES = 1 << 30


def core_of(text: str, answer_within_s: float = 10.0) -> ForeignCore:
    """The core that a command line names, as a shell reads it.

    Raises:
        LockstepError: it cannot be started, or does not speak this version of the protocol.
        ValueError: the text is no command line.
    """
    words = tuple(shlex.split(text))
    if not words:
        raise ValueError("it names no program")
    return read_core(words, answer_within_s, _digests(words))


def _digests(words: tuple[str, ...]) -> dict[str, str]:
    """By word that names a file, sixteen hex digits over it: another program makes other runs."""
    found = {}
    for place, word in enumerate(words):
        path = Path((shutil.which(word) or word) if place == 0 else word)
        if path.is_file() and path.stat().st_size <= MOST_FILE_BYTES:
            found[word] = blake2b(path.read_bytes(), digest_size=8).hexdigest()
    return found


def in_place_of(
    recorded: ForeignCore | None, given: ForeignCore | None, *, anyway: bool
) -> ForeignCore | None:
    """The core to run where a file names one: never the file's own command, which others may have written.

    Raises:
        CouldNotRun: a core is needed and not given, or the other way round; or it is another one.
    """
    if recorded is None and given is None:
        return None
    if recorded is None:
        raise CouldNotRun("it is a run of the reference node, and --core names another: leave it out")
    command = shlex.join(recorded.command)
    if given is None:
        raise CouldNotRun(
            f"it is a run of the core `{command}`. A file's own command is never run, so name it: "
            f"--core {command!r}"
        )
    if said_of_itself(given) != said_of_itself(recorded):
        raise CouldNotRun(
            f"it was recorded with another core, `{command}`, which says something else of itself"
        )
    if is_other_version(recorded, given) and not anyway:
        raise CouldNotRun(
            f"it was recorded with another version of the core `{command}`, so the same schedule may not "
            "give the same run. Use the core that it was recorded with, or pass --anyway"
        )
    return msgspec.structs.replace(given, answer_within_s=recorded.answer_within_s)


def is_other_version(recorded: ForeignCore, given: ForeignCore) -> bool:
    """Whether the files of two cores differ."""
    return tuple(given.files.values()) != tuple(recorded.files.values())


def twice(play: Callable[[Exchanges | None], T], core: ForeignCore | None) -> T:
    """Do a run; where its nodes are a core of others, do it twice and compare what the core answered.

    Args:
        play: does the run, and gives what the core is given and answers to its argument.

    Raises:
        LockstepError: the core answered otherwise in the second run; the message says where first, and what
            of the real machine the core touched, if a third run shows that.
    """
    if core is None:
        return play(None)
    first = Exchanges()
    ran = play(first)
    second = Comparison(first)
    try:
        play(second)
    except LockstepError as error:
        touched = touched_in_words(_touched(play))
        raise LockstepError(f"{error}{touched and f'; it touches {touched}'}") from error
    if len(second.lines) != len(first.lines):
        raise LockstepError(
            "two runs of one seed differ in length, although all answers were equal: please report this"
        )
    return ran


def _touched(play: Callable[[Exchanges | None], object]) -> Sequence[Touch]:
    """What a core touches in one more run; it may break the protocol there, too."""
    watch = Watch()
    with suppress(LockstepError):
        play(Exchanges(watch))
    return watch.touched


def touched_in_words(touched: Sequence[Touch]) -> str:
    """The first things that were touched, in one line."""
    more = len(touched) - MOST_NAMED
    named = ", ".join(one.in_words for one in touched[:MOST_NAMED])
    return f"{named}, and {more} more" if more > 0 else named
