"""How a node serves its clients: what becomes of a request, on the way to its one answer. Without I/O.

`Node` (`node_impl/core/node.py`) hands each event to one of these collaborators:

| file | owns |
|---|---|
| `open_requests.py` | the requests that are not answered yet, and how long they may wait |
| `client_writes.py` | writes: proposed at the leader, forwarded by a follower, answered once applied |
| `client_reads.py` | linearizable reads, and the long polls that a read may become |
| `beats.py`, `beat_watch.py` | which ephemeral instance beat last, in the leader's memory |
| `state_machine.py` | the registry and the sessions: applying entries, snapshots |
| `administration.py` | changes of the members and transfers of leadership |
| `long_polls.py`, `waiting.py` | small memories: who waits for a change, until when, which forwards came |

Not here: sockets, clocks, files, and the rules of Raft.
"""
