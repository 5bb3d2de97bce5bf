"""Disks that lose power, fail, fill up and get slow, and files that are damaged."""

from __future__ import annotations

from harness.nemesis.faults.disk.damage import Damage, Repair
from harness.nemesis.faults.disk.disk_trouble import BreakDisk, MendDisk
from harness.nemesis.faults.disk.power import LosePower
from harness.nemesis.faults.processes.lifecycle import Kill, Start
from harness.sim.parity.scenario import NODES, Fact, Scenario, Seen, Stage, others, yes

DRAWS = 12
"""How often a power failure is repeated, each time with another draw."""
ROOM_BYTES = 4096
WRITE_AFTER_S = 0.3
"""How long after the begin of a disk's trouble a write comes."""


async def _power(stage: Stage) -> Seen:
    leader = await stage.leader()
    await stage.write(leader, "k", "a")
    outcome = await stage.do(LosePower(NODES, 7))
    await stage.do(Start(NODES))
    new = await stage.leader()
    return {
        "end of the process": stage.last_end(leader),
        "what is lost is counted": " ".join(
            sorted(set(outcome.details) & {"lost_bytes", "lost_names", "torn_files"})
        ),
        "value that is read then": await stage.read(new, "k"),
    }


async def _kill_unsynced(stage: Stage) -> Seen:
    leader = await stage.leader()
    await stage.write(leader, "k", "a")
    await stage.do(Kill(NODES))
    await stage.do(Start(NODES))
    return {"value that is read after the kill": await stage.read(await stage.leader(), "k")}


async def _power_unsynced(stage: Stage) -> Seen:
    """What a node that never syncs finds again is drawn, so its power fails until something is gone."""
    node = others(await stage.leader())[0]
    for draw in range(DRAWS):
        leader = await stage.leader()
        await stage.write(leader, "k", f"value {draw}")
        await stage.caught_up(node, leader)
        before = (await stage.node(node)).last
        await stage.do(LosePower((node,), draw))
        if not (await stage.arena.world.carry_out(Start((node,)))).took_effect:
            return {
                "what was not synced is gone": "yes"
            }  # even the beginning of its log, so it refuses to start
        restarted = [line for line in stage.arena.trace(node).events if line.event == "restart"]
        if restarted[-1].last < before:
            return {"what was not synced is gone": "yes"}
    return {"what was not synced is gone": f"not in {DRAWS} failures"}


async def _failing(stage: Stage, how: BreakDisk) -> Seen:
    node = how.nodes[0]
    writer = others(node)[0]
    value = "a" * 8192 if how.room_bytes else "a"
    await stage.do_while(how, WRITE_AFTER_S, lambda: _begin(stage, writer, value))
    await stage.wait("the end of the node", lambda: _is_down(stage, node))
    status = stage.last_end(node)
    await stage.do(MendDisk((node,), how.by))
    said = next((line for line in stage.arena.log(node) if "cannot" in line), "nothing")
    await stage.do(Start((node,)))
    leader = await stage.leader()
    later = await stage.write(leader, "k", "b")
    return {
        "end of the process": status,
        "what it logs": _reason(said),
        "write after it is mended": later,
        "value that it reads then": await stage.read(node, "k"),
    }


def _begin(stage: Stage, node: str, value: str) -> None:
    stage.begin(node, "write", "k", value)


async def _is_down(stage: Stage, node: str) -> bool:
    return not (await stage.node(node)).running


def _reason(line: str) -> str:
    known = ("No space left on device", "Input/output error")
    return next((reason for reason in known if reason in line), line)


async def _failed_fsync(stage: Stage) -> Seen:
    node = others(await stage.leader())[0]
    return await _failing(stage, BreakDisk((node,), failing="fsync", by="disk-error"))


async def _failed_write(stage: Stage) -> Seen:
    node = others(await stage.leader())[0]
    return await _failing(stage, BreakDisk((node,), failing="write", by="disk-error"))


async def _full(stage: Stage) -> Seen:
    node = others(await stage.leader())[0]
    return await _failing(stage, BreakDisk((node,), room_bytes=ROOM_BYTES, by="full"))


async def _slow(stage: Stage) -> Seen:
    leader = await stage.leader()
    term = await stage.term(leader)
    trouble, writes = BreakDisk((leader,), delay_ms=1200, by="slow-disk"), list[int]()
    await stage.do_while(
        trouble, WRITE_AFTER_S, lambda: writes.append(stage.begin(leader, "write", "k", "a"))
    )
    later = stage.begin(leader, "write", "k", "b")
    await stage.sleep(2.0)
    ends = (await stage.end(writes[0])).type, (await stage.end(later)).type
    await stage.do(MendDisk((leader,), "slow-disk"))
    return {
        "writes meanwhile": " ".join(ends),
        "leader and term stay, since heartbeats go on": yes(
            (await stage.node(leader)).role == "leader" and await stage.term(leader) == term
        ),
    }


async def _torn(stage: Stage) -> Seen:
    leader = await stage.leader()
    follower = others(leader)[0]
    await stage.write(leader, "k", "a")
    await stage.caught_up(follower, leader)
    first = len(stage.arena.log(follower))
    await stage.do(Damage((follower,), "torn", 3))
    notes = [line for line in stage.arena.log(follower)[first:] if "recovered" in line]
    return {
        "it starts": yes((await stage.node(follower)).running),
        "it logs that it cut a torn end": yes(any("torn" in line or "cut" in line for line in notes)),
        "value that it reads then": await stage.read(follower, "k"),
    }


async def _rot(stage: Stage) -> Seen:
    leader = await stage.leader()
    follower = others(leader)[0]
    await stage.write(leader, "k", "a")
    await stage.caught_up(follower, leader)
    await stage.do(Damage((follower,), "rot", 5))
    refused = stage.last_end(follower)
    await stage.do(Repair((follower,)))
    await stage.do(Start((follower,)))
    return {
        "it refuses to start": refused,
        "value that it reads after a repair": await stage.read(follower, "k"),
    }


DISKS = (
    Scenario(
        "power",
        "all nodes lose power after an acknowledged write",
        _power,
        (
            Fact("end of the process", "by power"),
            Fact("what is lost is counted", "lost_bytes lost_names torn_files"),
            Fact("value that is read then", "a"),
        ),
        faults=("power",),
    ),
    Scenario(
        "kill-unsynced",
        "all nodes are killed, and none of them ever syncs",
        _kill_unsynced,
        (Fact("value that is read after the kill", "a"),),
        faults=("power",),
        mutant="never-fsync",
    ),
    Scenario(
        "power-unsynced",
        "a follower that never syncs loses power, up to twelve times",
        _power_unsynced,
        (Fact("what was not synced is gone", "yes"),),
        faults=("power",),
        mutant="never-fsync",
    ),
    Scenario(
        "failed-fsync",
        "a follower's fsync fails with EIO",
        _failed_fsync,
        (
            Fact("end of the process", "by disk-error"),
            Fact("what it logs", "Input/output error"),
            Fact("write after it is mended", "ok"),
            Fact("value that it reads then", "b"),
        ),
        faults=("disk-error",),
    ),
    Scenario(
        "failed-write",
        "a follower's write fails with EIO",
        _failed_write,
        (
            Fact("end of the process", "by disk-error"),
            Fact("what it logs", "Input/output error"),
            Fact("write after it is mended", "ok"),
            Fact("value that it reads then", "b"),
        ),
        faults=("disk-error",),
    ),
    Scenario(
        "full",
        "a follower's disk has room for 4 KiB, and a write of 8 KiB comes",
        _full,
        (
            Fact("end of the process", "by full"),
            Fact("what it logs", "No space left on device"),
            Fact("write after it is mended", "ok"),
            Fact("value that it reads then", "b"),
        ),
        faults=("full",),
    ),
    Scenario(
        "slow",
        "each write and fsync of the leader takes 1.2 s longer, more than an election time-out",
        _slow,
        (Fact("writes meanwhile", "ok ok"), Fact("leader and term stay, since heartbeats go on", "yes")),
        faults=("slow-disk",),
    ),
    Scenario(
        "torn",
        "a follower's log ends in a write that never completed",
        _torn,
        (
            Fact("it starts", "yes"),
            Fact("it logs that it cut a torn end", "yes"),
            Fact("value that it reads then", "a"),
        ),
        faults=("torn",),
    ),
    Scenario(
        "rot",
        "one bit of a follower's files is flipped",
        _rot,
        (Fact("it refuses to start", "by rot"), Fact("value that it reads after a repair", "a")),
        faults=("rot",),
    ),
)
