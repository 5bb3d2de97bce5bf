"""Links that are cut, one way or both, and connections that are reset, corrupt, held back or half-open."""

from __future__ import annotations

from harness.nemesis.action import Link
from harness.nemesis.faults.network.impairments import EndImpairment, Impair
from harness.nemesis.faults.network.partition import Cut, Heal
from harness.nemesis.faults.network.shapes import between
from harness.nemesis.faults.processes.lifecycle import Kill, Start
from harness.sim.parity.scenario import Fact, Scenario, Seen, Stage, others, yes

QUIET_S = 4.0
"""Several election time-outs."""
APPEND = "AppendEntries"


async def _isolated(stage: Stage) -> Seen:
    leader = await stage.leader()
    rest = others(leader)
    term = await stage.term(leader)
    await stage.do(Cut(between((leader,), rest)))
    write = stage.begin(leader, "write", "other", "x")
    new = await stage.leader(among=rest, but=(leader,))
    deposed = yes(await stage.leads_no_more(leader))
    later = await stage.write(new, "k", "b")
    unanswered = (await stage.end(write)).type
    await stage.do(Heal())
    return {
        "write to the leader that is cut off": unanswered,
        "another leader, of a later term": yes(await stage.term(new) > term),
        "it stops leading while it is cut off": deposed,
        "write to the other leader": later,
        "it catches up after the heal": await stage.caught_up(leader, await stage.leader()),
        "value that it reads then": await stage.read(leader, "k"),
    }


async def _unheard(stage: Stage) -> Seen:
    leader = await stage.leader()
    rest = others(leader)
    await stage.do(Cut(tuple((leader, name) for name in rest)))
    new = await stage.leader(among=rest, but=(leader,))
    follows = yes(await stage.is_follower(leader))
    named = (await stage.node(leader)).leader == new
    await stage.do(Heal())
    return {
        "the others elect another leader": yes(new != leader),
        "the old leader follows while it is unheard": follows,
        "it hears who leads": yes(named),
    }


async def _deaf(stage: Stage) -> Seen:
    leader = await stage.leader()
    rest = others(leader)
    await stage.do(Cut(tuple((name, leader) for name in rest)))
    write = stage.begin(leader, "write", "other", "x")
    new = await stage.leader(among=rest, but=(leader,))
    deposed = yes(await stage.leads_no_more(leader))
    unanswered = (await stage.end(write)).type
    await stage.do(Heal())
    return {
        "write to the deaf leader": unanswered,
        "it stops leading": deposed,
        "the others elect another leader": yes(new != leader),
        "it catches up after the heal": await stage.caught_up(leader, await stage.leader()),
    }


async def _held_up(stage: Stage, cut: bool) -> tuple[str, str, int, str]:
    """Hold up the link from the leader to a follower for a while; the two, how many of the messages that were
    sent meanwhile arrived in the end, and whether the follower caught up."""
    leader = await stage.leader()
    follower = others(leader)[0]
    link: Link = (leader, follower)
    await stage.do(Cut((link,)) if cut else Impair((link,), "stall", 1, is_stalled=True))
    first = len(stage.messages("send", leader, follower, APPEND))
    await stage.sleep(QUIET_S)
    meanwhile = {message for _, message in stage.messages("send", leader, follower, APPEND)[first:]}
    await stage.do(Heal() if cut else EndImpairment("stall"))
    caught_up = await stage.caught_up(follower, await stage.leader())
    await stage.sleep(QUIET_S)
    arrived = {message for _, message in stage.messages("receive", follower, leader, APPEND)}
    return leader, follower, len(meanwhile & arrived), caught_up


async def _cut_messages(stage: Stage) -> Seen:
    _, _, arrived, caught_up = await _held_up(stage, cut=True)
    return {
        "messages that were sent while it was cut arrive later": yes(arrived > 0),
        "it catches up": caught_up,
    }


async def _stalled(stage: Stage) -> Seen:
    _, _, arrived, caught_up = await _held_up(stage, cut=False)
    return {
        "messages that were sent while it was stalled arrive later": yes(arrived > 0),
        "it catches up": caught_up,
    }


async def _reset(stage: Stage) -> Seen:
    leader = await stage.leader()
    follower = others(leader)[0]
    term = await stage.term(leader)
    await stage.do(Impair(((leader, follower),), "reset", 1, reset_percent=100))
    await stage.sleep(0.5)
    first = len(stage.messages("receive", follower, leader, APPEND))
    await stage.sleep(QUIET_S)
    heard = len(stage.messages("receive", follower, leader, APPEND)) - first
    write = await stage.write(leader, "k", "a")
    same = (await stage.node(leader)).role == "leader" and await stage.term(follower) == term
    await stage.do(EndImpairment("reset"))
    return {
        "messages arrive while each one resets its connection": yes(heard > 0),
        "write to the leader": write,
        "leader and term stay": yes(same),
        "the follower catches up": await stage.caught_up(follower, leader),
    }


async def _corrupt(stage: Stage) -> Seen:
    leader = await stage.leader()
    follower = others(leader)[0]
    await stage.do(Impair(((leader, follower),), "corrupt", 1, corrupted_percent=100))
    await stage.sleep(QUIET_S)
    write = await stage.write(leader, "k", "a")
    closed = any(f"disconnected {leader} from the peer port" in line for line in stage.arena.log(follower))
    await stage.do(EndImpairment("corrupt"))
    return {
        "the receiver closes the connection": yes(closed),
        "write to the leader": write,
        "the receiver's process lives": yes(not stage.arena.lives(follower)),
        "the follower catches up": await stage.caught_up(follower, await stage.leader()),
    }


async def _half_open(stage: Stage) -> Seen:
    leader = await stage.leader()
    follower = others(leader)[0]
    term = await stage.term(leader)
    await stage.do(Cut(between((leader,), (follower,))))
    await stage.do(Kill((follower,)))
    write = await stage.write(leader, "k", "a")
    first = len(stage.messages("send", leader, follower, APPEND))
    await stage.sleep(QUIET_S)
    meanwhile = {message for _, message in stage.messages("send", leader, follower, APPEND)[first:]}
    await stage.do(Start((follower,)))
    await stage.do(Heal())
    caught_up = await stage.caught_up(follower, leader)
    arrived = {message for _, message in stage.messages("receive", follower, leader, APPEND)}
    return {
        "write to the leader": write,
        "the new life gets messages that were sent to the old one": yes(bool(meanwhile & arrived)),
        "the follower catches up": caught_up,
        "leader and term stay": yes((await stage.node(leader)).role == "leader")
        if await stage.term(leader) == term
        else "no",
    }


LINKS = (
    Scenario(
        "isolated",
        "a leader is cut off both ways, and the links are healed later",
        _isolated,
        (
            Fact("write to the leader that is cut off", "info"),
            Fact("another leader, of a later term", "yes"),
            Fact("it stops leading while it is cut off", "yes"),
            Fact("write to the other leader", "ok"),
            Fact("it catches up after the heal", "yes"),
            Fact("value that it reads then", "b"),
        ),
        faults=("partition",),
        worlds=("local", "netns"),
    ),
    Scenario(
        "unheard",
        "one-way cut: no node hears the leader, which hears all",
        _unheard,
        (
            Fact("the others elect another leader", "yes"),
            Fact("the old leader follows while it is unheard", "yes"),
            Fact("it hears who leads", "yes"),
        ),
        faults=("partition",),
        worlds=("local", "netns"),
    ),
    Scenario(
        "deaf",
        "one-way cut: the leader hears no node, and all hear it",
        _deaf,
        (
            Fact("write to the deaf leader", "info"),
            Fact("it stops leading", "yes"),
            Fact("the others elect another leader", "yes"),
            Fact("it catches up after the heal", "yes"),
        ),
        faults=("partition",),
        worlds=("local", "netns"),
    ),
    Scenario(
        "cut-messages",
        "the link from a leader to a follower is cut for four seconds",
        _cut_messages,
        (
            Fact(
                "messages that were sent while it was cut arrive later",
                "no",
                {"netns": "yes"},
                "TCP sends again what packet filters dropped, so after the heal it all arrives. A proxy "
                "swallows whole messages, and so does the simulator: there, `stall` holds messages back.",
            ),
            Fact("it catches up", "yes"),
        ),
        faults=("partition",),
        worlds=("local", "netns"),
    ),
    Scenario(
        "stalled",
        "the link from a leader to a follower is stalled for four seconds",
        _stalled,
        (
            Fact("messages that were sent while it was stalled arrive later", "yes"),
            Fact("it catches up", "yes"),
        ),
        faults=("stall",),
    ),
    Scenario(
        "reset",
        "each message from a leader to a follower resets its connection",
        _reset,
        (
            Fact("messages arrive while each one resets its connection", "no"),
            Fact("write to the leader", "ok"),
            Fact("leader and term stay", "yes"),
            Fact("the follower catches up", "yes"),
        ),
        faults=("reset",),
    ),
    Scenario(
        "corrupt",
        "each message from a leader to a follower has one bit flipped",
        _corrupt,
        (
            Fact("the receiver closes the connection", "yes"),
            Fact("write to the leader", "ok"),
            Fact("the receiver's process lives", "yes"),
            Fact("the follower catches up", "yes"),
        ),
        faults=("corrupt",),
    ),
    Scenario(
        "half-open",
        "a follower ends while its links are cut, so that the leader's connection has no other end",
        _half_open,
        (
            Fact("write to the leader", "ok"),
            Fact(
                "the new life gets messages that were sent to the old one",
                "no",
                {"netns": "yes"},
                "A node without a connection to a peer keeps the newest messages, and sends them on the "
                "next one. A proxy takes them and swallows them. In the simulator links take each message; "
                "a late one may reach a new life, too (the profile `late-messages`).",
            ),
            Fact("the follower catches up", "yes"),
            Fact("leader and term stay", "yes"),
        ),
        faults=("partition",),
        worlds=("local", "netns"),
    ),
)
