"""Every term that a report or a message uses and that is not everyday English, each defined in plain words.

A definition has one or two sentences and stands here alone. To add a term, add a line to its group; then
renew the page of the documentation with `python -m reports.glossary.page`, which a test compares.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """A word or phrase, what it means, and the other forms in which it occurs."""

    name: str
    definition: str
    forms: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """The last part of the address of its entry: `node-trace`."""
        return self.name.lower().replace(" ", "-").replace("'", "")


def _term(name: str, definition: str, *forms: str) -> Term:
    return Term(name, definition, forms)


GLOSSARY: dict[str, tuple[Term, ...]] = {
    "Verdicts": (
        _term(
            "timeline",
            "A picture of operations as bars, in the order in which they began and ended.",
            "timelines",
        ),
        _term(
            "traceback",
            "The lines that a Python program prints when it ends by an error: where it was, and what was "
            "wrong.",
            "tracebacks",
        ),
        _term(
            "verdict",
            "What one checker says of a run: valid, invalid or unknown, with a summary and its evidence.",
            "verdicts",
        ),
        _term(
            "valid",
            "The checker looked, and found nothing that breaks its property. A run is valid only if every "
            "checker that it requires looked at something.",
        ),
        _term("invalid", "The checker found something that breaks its property, and shows it as evidence."),
        _term(
            "unknown",
            "The checker could not decide, so the run shows neither that the property held nor that it was "
            "broken. Unknown is never counted as valid.",
        ),
        _term(
            "not exercised",
            "The run gave a checker nothing to look at: no node was restarted, say, or no write was "
            "acknowledged. It is shown and counted apart, and never as valid. A run that requires such a "
            "checker is unknown.",
        ),
        _term(
            "not applicable",
            "The system cannot have what a checker looks at: it writes no traces, say. Nothing was judged, "
            "and no run of that system requires it.",
        ),
        _term(
            "only measures",
            "The checker counts and measures, and was given no bound to judge by. Nothing was judged.",
            "only measure",
        ),
        _term(
            "required checker",
            "A checker without which a run proves nothing: its workload or one of its faults names it. If it "
            "had nothing to look at, the run is unknown.",
            "required checkers",
        ),
        _term(
            "stall",
            "A time in which the harness itself did not run, as it was stopped or had no processor. What "
            "lasts too long because of it is not held against the system.",
            "stalls",
        ),
        _term(
            "vacuous",
            "True only because nothing happened that could have made it false. A run whose faults had no "
            "effect would be vacuously valid, and is shown as unknown.",
            "vacuously",
        ),
        _term(
            "evidence",
            "What shows a violation, or why a checker could not decide: sentences, with the numbers of the "
            "operations and trace events they rest on.",
        ),
        _term("violation", "Something that happened in a run and that a property forbids.", "violations"),
        _term(
            "witness",
            "One order of all operations that explains every reply. To show it is to prove a history "
            "correct.",
            "witnesses",
        ),
        _term(
            "counterexample",
            "The smallest part of a history that cannot be explained, or a run that shows a violation.",
            "counterexamples",
        ),
        _term("caveat", "What a checker did not look at, or what its verdict takes for granted.", "caveats"),
        _term("measure", "A figure that a checker counted while it judged.", "measures"),
        _term(
            "finding",
            "A violation that has a fingerprint, so that the same one can be recognised in other runs.",
            "findings",
        ),
        _term(
            "fingerprint",
            "A short text that is equal for two violations if they are the same kind, or for two keys if "
            "they are the same key.",
            "fingerprints",
        ),
    ),
    "Tests and runs": (
        _term("loopback", "The network inside one machine: its messages never leave it."),
        _term(
            "run",
            "One test from its start to its verdicts: a system is started, clients work on it, faults are "
            "injected, and the record is judged.",
            "runs",
        ),
        _term(
            "harness",
            "The program that starts the nodes, acts as their clients, injects faults and records "
            "everything.",
        ),
        _term("system", "What is tested: the nodes and the service that they provide together.", "systems"),
        _term("node", "One member of the tested system; mostly one process.", "nodes"),
        _term("cluster", "All nodes of the tested system together.", "clusters"),
        _term(
            "workload",
            "What the clients do during a run, how the result is read back, and which checkers judge it.",
            "workloads",
        ),
        _term(
            "world",
            "Where nodes run: `sim` (simulated, in one process), `local` (processes on this machine), "
            "`netns` (each in a network namespace) or `ssh` (on remote hosts).",
            "worlds",
        ),
        _term(
            "namespace",
            "A part of a Linux machine with a network of its own; or, in Nacos, a group of services.",
            "namespaces",
        ),
        _term(
            "seed",
            "The number from which every random choice of a run follows. In the simulated world the same "
            "seed gives the same run exactly.",
            "seeds",
        ),
        _term(
            "campaign",
            "Many runs: every combination of some systems, workloads and faults, each under many seeds.",
            "campaigns",
        ),
        _term(
            "behaviour",
            "Two events of one node in a row, without names, terms and times; or how an operation ended. "
            "A campaign counts which ones it has seen.",
            "behaviours",
        ),
        _term(
            "bisect",
            "To find the commit that brought in a finding by trying the one in the middle again and again.",
            "bisection",
            "bisections",
        ),
        _term(
            "repository",
            "A project's files with their history, which the program git keeps commit by commit.",
            "repositories",
            "git",
        ),
        _term(
            "shard",
            "One of the parts of a campaign, so that several machines share its runs.",
            "shards",
        ),
        _term(
            "canary",
            "A seeded bug that a campaign must find within its first seeds. If it does not, the harness is "
            "broken.",
            "canaries",
        ),
        _term("baseline", "A file that lists the findings that are known.", "baselines"),
        _term("regressed", "Seen again by a campaign, although it was resolved before; of a finding."),
        _term(
            "schedule",
            "What happens at which time in a run: faults, messages, crashes. A schedule can be replayed and "
            "shrunk.",
            "schedules",
        ),
        _term("replay", "To run a recorded schedule again.", "replays", "replayed"),
        _term(
            "shrink",
            "To take parts of a failing schedule away as long as it still fails, until a short one is left.",
            "shrinks",
            "shrunk",
            "shrinking",
        ),
        _term(
            "mutant",
            "The reference node with one rule broken on purpose. A checker is trusted because it catches "
            "its mutants.",
            "mutants",
        ),
        _term("seeded bug", "The rule that a mutant breaks.", "seeded bugs"),
        _term(
            "store",
            "The folder that holds what a run left: history, traces, logs, results and this report.",
            "stores",
        ),
        _term(
            "harness lag",
            "How late the harness's own event loop woke. When it is high, a slow reply may be the harness's "
            "fault and not the system's.",
            "lag",
        ),
        _term("teardown", "The end of a run, when all nodes are stopped and their files collected."),
        _term(
            "ambush",
            "A fault that waits for a moment: it strikes a leader just as it is elected, for example.",
        ),
        _term("swarm", "A choice of faults for each run at random, so that runs differ in what they try."),
        _term(
            "pin",
            "The checksum that a download must have. It was written down beforehand; "
            "a download with another checksum is refused.",
            "pins",
            "pinned",
            "unpinned",
        ),
    ),
    "Operations and histories": (
        _term(
            "operation",
            "One thing that a client asked of the system, or that the nemesis did, from its invocation to "
            "its completion. Operations are numbered.",
            "operations",
            "ops",
        ),
        _term(
            "invocation",
            "The moment at which a client begins an operation.",
            "invocations",
            "invoke",
            "invoked",
        ),
        _term("completion", "The end of an operation: ok, fail or info.", "completions"),
        _term("ok", "The operation certainly took effect, and its result is known."),
        _term("fail", "The operation certainly did not take effect."),
        _term(
            "info",
            "The outcome is not known: the operation may have taken effect, or may still do so later. A "
            "write that timed out ends so.",
        ),
        _term("pending", "The record ends before the operation did, so its outcome is not known."),
        _term(
            "acknowledged",
            "Answered with ok. What was acknowledged must not be lost.",
            "acknowledge",
            "acknowledges",
            "acknowledgement",
            "acknowledgements",
        ),
        _term("thread", "The place of one client in the load: it has one operation at a time.", "threads"),
        _term(
            "history",
            "All invocations and completions of a run, in the order in which they happened.",
            "histories",
        ),
        _term(
            "recording",
            "The history, the node traces and all else that was recorded of a run.",
            "recordings",
        ),
        _term(
            "process",
            "A sequence of operations, one after the other. A client goes on as a new process after info. "
            "Also: a running program of the operating system.",
            "processes",
        ),
        _term(
            "client",
            "A part of the harness that sends requests to the system, one at a time.",
            "clients",
        ),
        _term(
            "key",
            "The name of what an operation is about: a register, or an instance of a service.",
            "keys",
        ),
        _term(
            "concurrent",
            "Of operations: each began before the other ended, so either may have taken effect first.",
            "concurrency",
        ),
        _term("latency", "The time from an operation's invocation to its completion.", "latencies"),
        _term("throughput", "How many operations completed in a second."),
        _term(
            "quantile",
            "A value that a given share of all values does not exceed: of 100 operations, 99 took at most "
            "p99.",
            "quantiles",
            "p50",
            "p90",
            "p99",
            "median",
        ),
        _term("session", "The operations of one client in their order.", "sessions"),
        _term(
            "transaction",
            "Several reads and writes that must take effect together, or not at all.",
            "transactions",
            "txn",
        ),
    ),
    "Faults": (
        _term(
            "fault injector",
            "The part of the harness that carries out a fault in one world.",
            "fault injectors",
            "inject",
            "injects",
            "injected",
            "injector",
            "injectors",
        ),
        _term(
            "fault rate",
            "How likely a fault is at each occasion, in the simulated world: the share of messages that are "
            "lost, say.",
            "fault rates",
        ),
        _term(
            "scheduled fault",
            "A fault of the simulated world that happens at a time set in the schedule.",
            "scheduled faults",
        ),
        _term(
            "profile",
            "A set of fault rates of the simulated world that brings several rare things together.",
            "profiles",
        ),
        _term(
            "target",
            "The nodes that a fault is aimed at: the leader, one node by name, or all of them.",
            "targets",
        ),
        _term("mute leader", "A leader whose messages reach no other node, or only one other node."),
        _term(
            "crash",
            "The end of a process at any point, which loses what was not yet on disk.",
            "crashes",
            "crashed",
            "crash after election",
        ),
        _term(
            "fault",
            "Something that the harness breaks on purpose: a killed process, a cut network, a full disk.",
            "faults",
        ),
        _term(
            "nemesis",
            "The part of the harness that injects faults and heals them. It is named after Jepsen's.",
        ),
        _term(
            "took effect",
            "Of a fault: its effect was observed. That the command was given does not count.",
            "no effect",
            "take effect",
        ),
        _term("heal", "To undo a fault: connect, start or repair again.", "heals", "healed", "healing"),
        _term(
            "final heal",
            "The heal of all faults before the end of a run. After it the system must recover within a "
            "bound.",
        ),
        _term(
            "partition",
            "A fault that cuts the network, so that some nodes do not hear others.",
            "partitions",
        ),
        _term(
            "pause",
            "A fault that stops a process for a while; it goes on later and has missed the time.",
            "paused",
            "pauses",
        ),
        _term(
            "kill",
            "A fault that ends a process at once, without a chance to save anything.",
            "kills",
            "killed",
        ),
        _term(
            "torn",
            "Of a write to disk: only a part of it reached the disk, because the power failed at that time.",
        ),
        _term(
            "fsync",
            "The call after which data is on disk and survives a loss of power.",
            "fsyncs",
            "fsynced",
            "synced",
        ),
        _term(
            "clock drift",
            "Clocks that do not run equally fast; often given in ppm, parts per million.",
            "drift",
            "ppm",
        ),
        _term(
            "monotonic clock",
            "A clock that only goes forward and is never set. Each machine has its own, so two of them "
            "cannot be compared.",
            "monotonic clocks",
        ),
        _term(
            "proxy",
            "A small program between two nodes that can delay, lose or cut their messages.",
            "proxies",
        ),
    ),
    "Raft": (
        _term(
            "checksum",
            "A number stored next to data, by which damage to the data is noticed.",
            "checksums",
        ),
        _term(
            "Raft",
            "The protocol by which the nodes agree on one log: Ongaro and Ousterhout, In Search of an "
            "Understandable Consensus Algorithm, 2014.",
        ),
        _term(
            "node trace",
            "The file in which a node writes, step by step, what it does.",
            "node traces",
            "trace",
            "traces",
            "traced",
        ),
        _term(
            "trace event",
            "One line of a node trace, named by node, life and sequence number.",
            "trace events",
            "seq",
        ),
        _term(
            "life",
            "A node's process from its start to its end. Lives of a node are numbered from 1.",
            "lives",
        ),
        _term(
            "seal",
            "The checksums of a run's evidence, made at its end. They show accidental changes only.",
            "seals",
            "sealed",
        ),
        _term(
            "gap",
            "Missing lines in a node trace. What rests on them cannot be judged, and is unknown.",
            "gaps",
        ),
        _term("log", "The numbered list of commands that Raft keeps equal on all nodes.", "logs"),
        _term("entry", "One command in the log, with its index and term.", "entries"),
        _term("index", "The place of an entry in the log, counted from 1.", "indices", "Raft index"),
        _term(
            "term",
            "A numbered period of Raft's time with at most one leader. Each election begins a new term.",
            "terms",
        ),
        _term("role", "What a node is at a time: leader, candidate, follower or learner.", "roles"),
        _term("leader", "The node that takes writes, in one term, and sends them to all others.", "leaders"),
        _term("follower", "A node that takes its entries from the leader.", "followers"),
        _term("candidate", "A node that asks the others for their votes, to become leader.", "candidates"),
        _term("learner", "A node that is sent the log but has no vote.", "learners"),
        _term(
            "voter",
            "A node whose vote counts in elections, and whose disk counts for commits.",
            "voters",
        ),
        _term(
            "election",
            "How nodes choose a leader: the candidate with the votes of a majority wins.",
            "elections",
            "elected",
        ),
        _term(
            "deposed",
            "Of a leader: a majority has gone on to a later term, whether the old leader knows it or not.",
            "depose",
            "deposes",
        ),
        _term("quorum", "Enough nodes to decide; in Raft, a majority of the voters.", "quorums"),
        _term("majority", "More than half of the voters. Any two majorities share a node.", "majorities"),
        _term(
            "commit",
            "An entry is committed when a majority holds it for good; only then it may be applied and "
            "acknowledged.",
            "committed",
            "commits",
            "commitIndex",
        ),
        _term("apply", "To carry out a committed entry on a node's copy of the data.", "applied", "applies"),
        _term("state machine", "The data that a node gets by applying its log in order.", "state machines"),
        _term(
            "truncate",
            "To remove entries from the end of a log, because a leader has others there.",
            "truncates",
            "truncated",
            "truncation",
            "truncations",
        ),
        _term(
            "snapshot",
            "A copy of the data at one index, which stands for all entries up to it.",
            "snapshots",
        ),
        _term("heartbeat", "The message by which a leader shows that it is there.", "heartbeats"),
        _term(
            "lease",
            "A time for which a node may rely on something: a leader on being the only one, a client on "
            "holding a lock.",
            "leases",
        ),
        _term("configuration", "Which nodes are members, and which of them vote.", "configurations"),
        _term(
            "membership change",
            "A step from one configuration to the next, decided through the log.",
            "membership changes",
        ),
        _term(
            "pre-vote",
            "A question before an election: would you vote for me? It keeps a cut-off node from disturbing "
            "the others.",
        ),
        _term(
            "digest",
            "A short number made from all of a node's data: equal data, equal digest.",
            "digests",
        ),
    ),
    "Consistency": (
        _term(
            "atomicity",
            "Several changes take effect at one moment: no reader sees only a part of them.",
            "atomic",
        ),
        _term(
            "dependency",
            "One operation must come before another: because it read what the other wrote, for instance.",
            "dependencies",
        ),
        _term("invariant", "A statement that must hold in every state of a system.", "invariants"),
        _term(
            "linearizability",
            "Every operation takes effect at one moment between its invocation and its completion, as if "
            "there were one copy of the data. So a read sees every write that ended before the read began.",
            "linearizable",
            "linearization",
        ),
        _term(
            "serializability",
            "Transactions have the effect of some order, one after the other; real time need not matter.",
            "serializable",
            "strict-serializable",
        ),
        _term(
            "snapshot isolation",
            "Each transaction reads from one moment, and two that write the same key cannot both succeed.",
        ),
        _term(
            "strong session",
            "Serializable, and in this order each session's transactions stand as it made them.",
        ),
        _term(
            "G-single",
            "A cycle of transactions with exactly one step in which a read missed a later write.",
        ),
        _term(
            "monotonic atomic view",
            "A transaction that has read from another one reads nothing older than what that one wrote.",
        ),
        _term("read atomic", "A transaction that sees one write of another transaction sees all of them."),
        _term(
            "PRAM",
            "A weak promise of shared memory: each process sees the writes of each other one in its order.",
        ),
        _term(
            "order of commits",
            "The order in which transactions took effect for all others; a checker looks for one that fits.",
            "orders of commits",
        ),
        _term("isolation", "How far transactions are kept from seeing one another's unfinished work."),
        _term(
            "cycle",
            "Operations in a ring, each of which must come before the next. No order can satisfy it.",
            "cycles",
        ),
        _term(
            "certificate",
            "The proof of a verdict as a file, which `ackproof verify` checks without trusting the checker.",
            "certificates",
        ),
        _term(
            "stale read",
            "A read that shows older data than what had been acknowledged before it began.",
            "stale",
            "stale reads",
            "staler",
        ),
        _term(
            "durability",
            "What was acknowledged is still there at the end, whatever failed in between.",
            "durable",
        ),
        _term(
            "causal",
            "Respecting what could have been known: a client that sees an effect has seen its cause.",
            "causality",
        ),
        _term("real time", "The order in which operations ended and began, as the harness saw it."),
        _term(
            "version",
            "One value of a key in the order in which its values followed one another.",
            "versions",
        ),
        _term(
            "fencing token",
            "A number that rises with each holder of a lock, so that a late write of an old holder is "
            "refused.",
            "fenced",
            "fencing",
        ),
        _term(
            "cas",
            "Compare and set: write a value only if the present one is as expected.",
            "compare and set",
            "compare-and-set",
        ),
        _term("enqueue", "The write that puts something into a queue.", "enqueued", "enqueues"),
        _term(
            "dequeue",
            "The operation that takes one thing out of a queue; it is empty if there is nothing to take.",
            "dequeued",
            "dequeues",
        ),
    ),
    "The registry": (
        _term(
            "update",
            "The write that changes an instance that is there; it does nothing if there is none.",
            "updates",
        ),
        _term(
            "stale-lookup",
            "A lookup that a node answers alone, so that it may show older data. A stale-list is the same "
            "for a list.",
            "stale-list",
        ),
        _term(
            "subscribe",
            "A list whose answer the node may keep back, for a bounded time, until the service changes.",
            "subscription",
            "subscriber",
        ),
        _term(
            "final-list",
            "A list that is read through Raft at the end of a run. A final-local reads what one node itself "
            "holds.",
            "final-local",
        ),
        _term("metadata", "Names and values that a client adds to an instance."),
        _term("registry", "A service in which programs register where they can be found. Nacos is one."),
        _term("instance", "One address under a service's name in the registry.", "instances"),
        _term(
            "registration",
            "The write that puts an instance into the registry; its id is `r` and a number.",
            "registrations",
            "register",
            "registers",
            "registered",
        ),
        _term(
            "deregistration",
            "The write that removes an instance.",
            "deregistrations",
            "deregister",
            "deregistered",
        ),
        _term("lookup", "A read of one instance.", "lookups"),
        _term("list", "A read of all instances of a service.", "lists"),
        _term("persistent", "Of an instance: it stays until it is removed. It is kept through Raft."),
        _term("ephemeral", "Of an instance: it is removed when it has not been heard of for some time."),
        _term(
            "expiry",
            "The removal of an ephemeral instance that was silent for too long.",
            "expiries",
            "expired",
            "expire",
        ),
        _term("resurrected", "Removed for certain, and there again later."),
        _term(
            "Nacos",
            "A service registry and configuration server by Alibaba, whose HTTP interface the reference "
            "node speaks.",
        ),
        _term(
            "reference node",
            "The Raft service registry that comes with Ackproof, to test the tester with.",
        ),
        _term(
            "Ackproof",
            "This program: it tests whether a replicated system keeps what it has acknowledged.",
        ),
        _term("replicated", "Kept as copies on several nodes."),
    ),
    "What checkers judge": (
        _term("bank", "Transfers keep the total of all accounts, and every read shows this total."),
        _term(
            "interval-counter",
            "A read of a counter lies between what has certainly been added and what may have been added.",
        ),
        _term("long-fork", "No two reads see two writes in opposite orders."),
        _term(
            "set-full",
            "An element that was added and seen stays in the set: none is lost, none appears from nothing.",
        ),
        _term("total-queue", "What was put into a queue comes out, and nothing else does."),
        _term("unique-ids", "No id is given twice."),
        _term("lock", "No two processes hold a lock at once, as far as replies prove it.", "locks"),
        _term(
            "watch-order",
            "All watches of a key are shown its values in one order, each once, and none is left out between "
            "two that are shown.",
        ),
        _term("same-state", "Nodes that have applied the same entries hold the same state."),
        _term(
            "instance-durability",
            "In the end every node shows the registrations that were acknowledged, and keeps them.",
        ),
        _term("settled-set", "Whether every node shows every acknowledged element, once all was quiet."),
        _term("settled-counter", "Whether every node shows the sum of the additions, once all was quiet."),
        _term(
            "message-log",
            "Whether each acknowledged message of a log keeps its offset, and no reader misses it.",
        ),
        _term("echo", "Whether each answer is what was sent."),
        _term("lookup-age", "How far, at least, lookups were behind what had been acknowledged."),
        _term("watch", "A watch reports each change once and in order, and leaves none out.", "watches"),
        _term("checker", "A part of Ackproof that judges one property from the recording.", "checkers"),
        _term("election-safety", "At most one leader is elected in a term."),
        _term("one-vote-a-term", "No node votes for two candidates in one term, also across restarts."),
        _term("term-monotonic", "A node's term never goes back, also across restarts."),
        _term("commit-monotonic", "Within a life, a node's commit index never goes back."),
        _term("leader-append-only", "A leader never removes or overwrites entries of its own log."),
        _term(
            "log-matching",
            "If two logs hold an entry of the same index and term, all entries up to it are equal.",
        ),
        _term("leader-completeness", "A committed entry is in the log of every later leader."),
        _term("state-machine-safety", "No two nodes apply different commands at the same index."),
        _term("committed-never-truncated", "An entry that was committed is never removed from a log."),
        _term("durable-log", "After a restart a node still has what was on its disk."),
        _term("durable-before-acknowledge", "A write is acknowledged only when a majority has it on disk."),
        _term("snapshot-safety", "A snapshot holds exactly what the committed log up to its index gives."),
        _term("membership", "The members change one at a time, and the voters decide each change."),
        _term("conformance", "Each step of each node is one that Raft's specification allows."),
        _term("index-honesty", "The Raft index that a reply names is where the operation took effect."),
        _term(
            "session-guarantees",
            "A client sees its own writes, and never goes back to older data in reads that promise to be "
            "recent.",
        ),
        _term(
            "bounded-staleness",
            "A read that may be stale shows what the log once held, and nothing older than a stated bound.",
        ),
        _term(
            "applied-once",
            "A write took effect once, however often it was sent, and a plain write was not repeated.",
        ),
        _term(
            "convergence",
            "After the final heal every member of the cluster catches up with the others, within a bound.",
        ),
        _term(
            "liveness",
            "A quorum of nodes that are well has a leader that stays, and answers, whatever the others do; "
            "and a cluster of which nothing is asked rests.",
        ),
        _term("resources", "What a node holds in memory stays within the bounds that its settings state."),
        _term(
            "beats",
            "An instance is unhealthy or removed when its times say so, not earlier and not much later, and "
            "healthy again once it beats.",
        ),
        _term("subscriptions", "A client that waits for a service to change is answered when it does."),
        _term("membership-views", "What nodes showed of the members does not contradict itself."),
        _term("recovery", "After the final heal there is a leader and a write succeeds, within a bound."),
        _term(
            "availability",
            "Clients get an ok answer again within a bound; without a bound, the longest wait is only "
            "measured.",
        ),
        _term("node-health", "No node ended, and none logged an error, but for an injected fault."),
        _term(
            "vacuity",
            "The run did enough to prove something: writes were acknowledged, and faults took effect.",
        ),
        _term(
            "unhandled-errors",
            "No client got an answer that the system's documentation lacks; the errors that clients met are "
            "counted by kind.",
        ),
        _term("stats", "None is judged: this checker counts operations by outcome."),
    ),
}
"""The terms by group, in the order of the page."""

TERMS: tuple[Term, ...] = tuple(term for group in GLOSSARY.values() for term in group)
