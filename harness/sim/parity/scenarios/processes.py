"""Processes that are killed, asked to end, and paused."""

from __future__ import annotations

from harness.nemesis.faults.processes.lifecycle import Kill, Pause, Resume, Start, Terminate
from harness.sim.parity.scenario import Fact, Scenario, Seen, Stage, others, yes

RECOVERED_S = 10.0


async def _kill(stage: Stage) -> Seen:
    leader = await stage.leader()
    term = await stage.term(leader)
    before = await stage.write(leader, "k", "a")
    await stage.do(Kill((leader,)))
    at_the_dead = await stage.write(leader, "k", "b")
    new = await stage.leader(but=(leader,))
    after = await stage.write(new, "k", "c")
    await stage.do(Start((leader,)))
    returned = yes(await stage.is_follower(leader))
    return {
        "write before": before,
        "end of the process": stage.last_end(leader),
        "write to a node that does not run": at_the_dead,
        "another leader, of a later term": yes(await stage.term(new) > term),
        "write to the other leader": after,
        "it returns as a follower": returned,
        "value that it reads then": await stage.read(leader, "k"),
    }


async def _killed_meanwhile(stage: Stage) -> Seen:
    leader = await stage.leader()
    await stage.do(Pause(others(leader)))
    write = stage.begin(leader, "write", "k", "a")
    await stage.sleep(0.2)
    await stage.do(Kill((leader,)))
    ended = await stage.end(write)
    await stage.do(Resume(others(leader)))
    await stage.do(Start((leader,)))
    await stage.leader()
    return {"write under way": ended.type, "what the client sees": _sees(ended.error or "")}


def _sees(error: str) -> str:
    return (
        "its connection breaks" if "reset" in error or "closed" in error or "disconnect" in error else error
    )


async def _terminate(stage: Stage) -> Seen:
    leader = await stage.leader()
    await stage.write(leader, "k", "a")
    await stage.do(Terminate((leader,)))
    ends = [line.event for line in stage.arena.trace(leader).events[-1:]]
    new = await stage.leader(but=(leader,))
    await stage.do(Start((leader,)))
    return {
        "end of the process": stage.last_end(leader),
        "last line of its trace": ends[0],
        "value that others read": await stage.read(new, "k"),
        "it returns as a follower": yes(await stage.is_follower(leader)),
    }


async def _pause(stage: Stage) -> Seen:
    leader = await stage.leader()
    term = await stage.term(leader)
    await stage.write(leader, "k", "a")
    await stage.do(Pause((leader,)))
    write = stage.begin(leader, "write", "other", "x")
    new = await stage.leader(but=(leader,))
    later = await stage.write(new, "k", "b")
    unanswered = (await stage.end(write)).type
    lives = len(stage.arena.lives(leader))
    await stage.do(Resume((leader,)))
    return {
        "write to the paused leader": unanswered,
        "another leader, of a later term": yes(await stage.term(new) > term),
        "write to the other leader": later,
        "it follows when it goes on": yes(await stage.is_follower(leader)),
        "it lived on": yes(len(stage.arena.lives(leader)) == lives),
        "value that it reads then": await stage.read(leader, "k"),
    }


PROCESSES = (
    Scenario(
        "kill",
        "a leader is killed, asked, and started again",
        _kill,
        (
            Fact("write before", "ok"),
            Fact("end of the process", "by kill"),
            Fact("write to a node that does not run", "fail"),
            Fact("another leader, of a later term", "yes"),
            Fact("write to the other leader", "ok"),
            Fact("it returns as a follower", "yes"),
            Fact("value that it reads then", "c"),
        ),
        worlds=("local", "netns"),
    ),
    Scenario(
        "kill-meanwhile",
        "a leader whose followers are paused has a write, and is killed",
        _killed_meanwhile,
        (Fact("write under way", "info"), Fact("what the client sees", "its connection breaks")),
    ),
    Scenario(
        "terminate",
        "a leader gets SIGTERM, and is started again",
        _terminate,
        (
            Fact("end of the process", "by terminate"),
            Fact("last line of its trace", "stop"),
            Fact("value that others read", "a"),
            Fact("it returns as a follower", "yes"),
        ),
        faults=("terminate",),
    ),
    Scenario(
        "pause",
        "a leader is paused until another leads, and goes on",
        _pause,
        (
            Fact("write to the paused leader", "info"),
            Fact("another leader, of a later term", "yes"),
            Fact("write to the other leader", "ok"),
            Fact("it follows when it goes on", "yes"),
            Fact("it lived on", "yes"),
            Fact("value that it reads then", "b"),
        ),
        faults=("pause",),
    ),
)
