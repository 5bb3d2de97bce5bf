"""The Raft core without I/O: the rules of the paper's Figure 2, one collaborator for each group of them.

*The paper* is Ongaro & Ousterhout, "In Search of an Understandable Consensus Algorithm (Extended Version)",
2014; *the thesis* is Ongaro, "Consensus: Bridging Theory and Practice", 2014. Section numbers in this folder
are the paper's unless the thesis is named.

| file | owns | where to read about it |
|---|---|---|
| `raft.py` | `Raft`: the collaborators, and which of them takes which message | Figure 2 |
| `messages.py` | the messages that members exchange | Figures 2 and 13 |
| `member/` | `RaftState` (term, vote, role, log, commitIndex) and what a step puts out | Figure 2, State |
| `elections.py` | votes, terms' ends, the election timer | sections 5.2, 5.4.1; thesis 9.6 |
| `replication.py` | AppendEntries, and what counts as committed | sections 5.3, 5.4.2 |
| `followers.py` | what a leader knows of each follower: nextIndex, matchIndex | Figure 2, volatile state |
| `snapshots.py` | taking, sending and installing snapshots | section 7, Figure 13 |
| `snapshot_bytes.py` | a snapshot as bytes, and its digest | section 7 |
| `membership.py` | majorities, and when the members may change | thesis, chapter 4 |
| `reads.py` | reads without a log entry (ReadIndex) | section 8; thesis 6.4 |
| `leases.py` | reads under a lease, where that is switched on | thesis 6.4.1 |

Each safety rule is one small method, under "The rules" of its class. A seeded bug (`harness/mutants`) is a
subclass of one collaborator that overrides one rule; `node_impl/core/build.py` puts it in.

Not here: clocks, sockets, files, sources of randomness, and the meaning of commands.
"""
