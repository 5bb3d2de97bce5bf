"""What of a node's state is another than before, for the checkers of Raft: the effects `trace` and `applied`;
and what its messages mean in Raft.

PySyncObj's own first entry, which is in every log and in no message, has the index 0 here.
"""

import pickle
from base64 import b64encode

ROLES = ("follower", "candidate", "leader")


class Standing:
    """What was said of one life of one node, by now."""

    def __init__(self, raft, store):
        self.raft, self.store, self.log = raft, store, self.field(raft, "raftLog")[:1]
        self.state, self.applied = {}, 1

    @staticmethod
    def field(raft, name):
        return getattr(raft, "_SyncObj__" + name)

    def news(self, sender, *, is_amid=False):
        """The effects; the first ones of a life are what it recovered.

        `sender` has sent what is handled now. PySyncObj may be amid it: then its role may still be that of an
        earlier term, and of its log there may be a beginning alone, of which the rest is written again.
        """
        raft, store, log, found = self.raft, self.store, self.field(self.raft, "raftLog")[:], []
        if is_amid and (store.loaded or not self.state):
            return []
        leader = self.field(raft, "raftLeader")
        state = {"term": raft.raftCurrentTerm, "role": ROLES[self.field(raft, "raftState")],
                 "vote": self.field(raft, "votedForNodeId"), "leader": leader and leader.id,
                 "commit": raft.raftCommitIndex - 1}  # fmt: skip
        more = {}
        if is_amid and state["term"] != self.state["term"]:
            state["role"] = "follower"
        if store.loaded:
            more = {"snapshot": rows(log[1:2])[0][:3], "digest": store.loaded}
            if self.state:
                more["installed_from"] = sender
            self.applied, self.log, store.loaded = log[1][1], log[:2], ""
        if is_amid and self.is_beginning(log):
            log = self.log
        if log[-1] is not self.log[-1] or len(log) != len(self.log):
            more |= self.difference(log)
        if more or state != self.state:
            self.state = state
            found.append({"effect": "trace", **state, **more})
        if self.applied < raft.raftLastApplied:
            first = self.applied + 1 - log[0][1]
            self.applied = raft.raftLastApplied
            found.append({"effect": "applied", "entries": rows(log[first : self.applied + 1 - log[0][1]])})
        if store.dumped:
            last = rows([entry for entry in log if entry[1] == self.applied])[0]
            found.append({"effect": "trace", "snapshot": last[:3], "digest": store.dumped})
            store.dumped = ""
        return found

    def is_beginning(self, log):
        skipped = log[0][1] - self.log[0][1] if log else 0
        return log == self.log[skipped : skipped + len(log)]

    def difference(self, log):
        """What of the log is another than before. What was left out at its beginning is in a dump."""
        before = [entry for entry in self.log if entry[1] >= log[0][1]]
        same = min(len(before), len(log))
        while same and before[same - 1] != log[same - 1]:
            same -= 1
        self.log = log
        cut = {"truncate": before[same][1] - 1} if same < len(before) else {}
        return cut | {"append": rows(log[same:])}


def rows(entries):
    found = []
    for command, index, term in entries:
        is_call = command[:1] == b"\0"
        op = pickle.loads(command[1:])[1][-1] if is_call else None  # noqa: S301 - a node of this run made it
        found.append([index - 1, term, b64encode(command).decode(), op])
    return found


def means(raft, message):
    """The refinement map: what a message is in the words of Raft's specification."""
    kind, term = message["type"], message.get("term", raft.raftCurrentTerm)
    found = {"kind": "other", "term": term}
    if kind == "request_vote":
        found |= {"kind": "RequestVote", "index": message["last_log_index"] - 1}
    elif kind == "response_vote":
        found |= {"kind": "RequestVoteReply", "ok": True}
    elif kind == "next_node_idx":
        found |= {"kind": "AppendEntriesReply", "ok": message["success"]}
        found |= {"index": max(0, message["next_node_idx"] - 2)}
    elif "entries" in message:
        found |= {"kind": "AppendEntries", "index": message["prevLogIdx"] - 1}
        found |= {"count": len(message["entries"])}
    elif (message.get("serialized") or [False])[-1]:  # the last part of a dump
        found |= {"kind": "InstallSnapshot", "index": Standing.field(raft, "raftLog")[1][1] - 1, "count": 1}
    return found
