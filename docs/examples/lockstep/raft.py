#!/usr/bin/env python3
"""A small Raft of a few registers, as a core of Ackproof's lockstep protocol: docs/lockstep.md.

It reads an event a line and answers with the effects, in order. Reads go through the log, too, so each shows
the newest value. A node that does not lead passes requests on. There are no snapshots.
"""

import json
import random
import sys


class Node:
    """One life of one node."""

    def __init__(self, start):
        self.name, self.members, self.life = start["node"], start["members"], start["life"]
        self.mine = set()  # requests of this node's clients that were passed on
        self.now = start["now"]
        self.heartbeat, self.timeout = start["heartbeat_ns"], start["election_timeout_ns"]
        self.random = random.Random(start["random"])
        self.term, self.vote, self.role, self.leader = 0, None, "follower", None
        self.log = [[0, None]]  # by index: term and command; index 0 stands for the empty log
        for kind, *record in start["disk"]:
            if kind == "state":
                self.term, self.vote = record
            else:
                first, entries = record
                self.log[first:] = entries
        self.commit = self.applied = 0
        self.registers = {}
        self.done = {}  # by id of an operation: its result, as a message may arrive twice
        self.waiting = {}  # by index of an entry: its term, the node that a client asked, its request there
        self.persists = 0  # how many persists this life has made
        self.durable = self.last  # up to which index the log is on disk
        self.unsynced = {}  # by number of a persist: up to which index the log is on disk with it
        self.effects = [self.trace(append=self.rows(self.last) if self.last else [])]
        self.await_leader()

    @property
    def last(self):
        return len(self.log) - 1

    # ---- effects ---------------------------------------------------------------------------------------

    def trace(self, **more):
        state = {"term": self.term, "role": self.role, "vote": self.vote, "leader": self.leader}
        return {"effect": "trace", **state, "commit": self.commit, **more}

    def rows(self, first):
        entries = enumerate(self.log[first:], start=first)
        return [[index, term, command, command and command["op"]] for index, (term, command) in entries]

    def persist(self, *record):
        self.persists += 1
        self.unsynced[self.persists] = self.last
        self.effects.append({"effect": "persist", "records": [record]})

    def send(self, to, **message):
        message = {"term": self.term, **message}
        sent = {"effect": "send", "to": to, "message": message, "after": self.persists}
        self.effects.append({**sent, "means": self.means(message)})

    def means(self, message):
        """What a message is in Raft's own words, by which each step is compared with its specification."""
        means = {"term": message["term"], "kind": "other"}
        if message["kind"] == "vote?":
            means |= {"kind": "RequestVote", "index": message["last"]}
        elif message["kind"] == "vote":
            means |= {"kind": "RequestVoteReply", "ok": message["granted"]}
        elif message["kind"] == "append":
            means |= {"kind": "AppendEntries", "index": message["before"], "count": len(message["entries"])}
        elif message["kind"] == "appended":
            means |= {"kind": "AppendEntriesReply", "index": message["index"], "ok": message["ok"]}
        return means

    def reply(self, request, kind, **more):
        reply = {"effect": "reply", "id": request, "type": kind, "after": self.persists, **more}
        self.effects.append(reply)

    def timer(self, name, after):
        self.effects.append({"effect": "timer", "name": name, "at": after and self.now + after})

    def await_leader(self):
        self.effects.append({"effect": "timer", "name": "heartbeat", "at": None})
        self.timer("election", self.timeout + self.random.randrange(self.timeout))

    # ---- terms and roles -------------------------------------------------------------------------------

    def become(self, role, term=None, vote=None):
        if role != "leader" and self.role == "leader":
            for _, node, request in self.waiting.values():
                if node == self.name:
                    self.reply(request, "info", error="lost leadership")
            self.waiting = {}
        self.role = role
        if term is not None:
            self.term, self.vote, self.leader = term, vote, None
            self.effects.append(self.trace())
            self.persist("state", self.term, self.vote)
        else:
            self.effects.append(self.trace())

    def campaign(self):
        self.become("candidate", self.term + 1, self.name)
        self.votes = {self.name}
        self.await_leader()
        for peer in self.peers():
            self.send(peer, kind="vote?", last=self.last, last_term=self.log[-1][0])
        self.count_votes()

    def count_votes(self):
        if self.role == "candidate" and 2 * len(self.votes) > len(self.members):
            self.leader = self.name
            self.become("leader")
            self.timer("election", None)
            self.next = dict.fromkeys(self.peers(), self.last + 1)
            self.match = dict.fromkeys(self.peers(), 0)
            self.append(self.last + 1, [[self.term, None]])
            self.replicate()

    def peers(self):
        return [name for name in self.members if name != self.name]

    # ---- the log ---------------------------------------------------------------------------------------

    def append(self, first, entries):
        """Put entries into the log from index `first` on, in place of what was there."""
        cut = {"truncate": first} if first <= self.last else {}
        self.log[first:] = entries
        self.durable = min(self.durable, first - 1)
        self.unsynced = {number: min(last, first - 1) for number, last in self.unsynced.items()}
        self.effects.append(self.trace(append=self.rows(first), **cut))
        self.persist("log", first, entries)

    def replicate(self):
        self.timer("heartbeat", self.heartbeat)
        for peer in self.peers():
            first = self.next[peer]
            self.send(
                peer, kind="append", before=first - 1, before_term=self.log[first - 1][0],
                entries=self.log[first:], commit=self.commit,
            )  # fmt: skip

    def advance(self):
        """Commit what a majority has on disk, of this term (section 5.4.2)."""
        held = sorted([self.durable, *self.match.values()], reverse=True)
        index = held[len(self.members) // 2]
        if index > self.commit and self.log[index][0] == self.term:
            self.commit_to(index)

    def commit_to(self, index):
        if index <= self.commit:
            return
        self.commit = index
        self.effects.append(self.trace())
        rows = self.rows(self.applied + 1)[: index - self.applied]
        self.effects.append({"effect": "applied", "entries": rows})
        while self.applied < index:
            self.applied += 1
            term, command = self.log[self.applied]
            if command and command["op"] not in self.done:
                self.done[command["op"]] = self.apply(command)
            when, node, request = self.waiting.pop(self.applied, (None, None, None))
            if when == term:
                self.answer(node, request, self.done[command["op"]])

    def answer(self, node, request, value):
        if node == self.name:
            self.reply(request, "ok", value=value, index=self.applied)
        else:
            self.send(node, kind="answer", request=request, value=value, index=self.applied)

    def apply(self, command):
        key, value = command["key"], command["value"]
        held = self.registers.get(key)
        if command["f"] == "read":
            return held
        if command["f"] == "cas":
            old, value = value
            if held != old:
                return False
        self.registers[key] = value
        return command["value"]

    # ---- events ----------------------------------------------------------------------------------------

    def take(self, event):
        self.now = event["now"]
        kind = event["event"]
        if kind == "message":
            self.receive(event["from"], event["message"])
        elif kind == "time" and event["timer"] == "election" and self.role != "leader":
            self.campaign()
        elif kind == "time" and event["timer"] == "heartbeat" and self.role == "leader":
            self.replicate()
        elif kind == "request":
            self.ask(self.name, event["id"], event["request"])
        elif kind == "synced":
            for number in [number for number in self.unsynced if number <= event["number"]]:
                self.durable = max(self.durable, self.unsynced.pop(number))
            if self.role == "leader":
                self.advance()
            self.count_votes()
        effects, self.effects = self.effects, []
        return effects

    def ask(self, node, request, command):
        """Take a request of a client of that node, where it has that number."""
        if self.role == "leader":
            self.append(self.last + 1, [[self.term, command]])
            self.waiting[self.last] = self.term, node, request
            self.replicate()
        elif node != self.name:
            return  # passed on once, and not once more: its client gets no reply
        elif self.leader is None:
            self.reply(request, "fail", error="there is no leader")
        else:
            self.mine.add(request)
            self.send(self.leader, kind="ask", request=request, command=command, life=self.life)

    def receive(self, sender, message):
        kind, term = message["kind"], message["term"]
        if term > self.term:
            self.become("follower", term)
            self.await_leader()
        if kind == "vote?":
            mine = self.log[-1][0], self.last
            is_newest = (message["last_term"], message["last"]) >= mine
            granted = term == self.term and self.vote in (None, sender) and is_newest
            if granted and self.vote is None:
                self.become("follower", term, sender)
                self.await_leader()
            self.send(sender, kind="vote", granted=granted)
        elif kind == "vote" and term == self.term and message["granted"]:
            if self.role == "candidate":
                self.votes.add(sender)
                self.count_votes()
        elif kind == "ask":
            self.ask(sender, [message["life"], message["request"]], message["command"])
        elif kind == "answer" and message["request"][0] == self.life:
            if message["request"][1] in self.mine:
                self.mine.discard(message["request"][1])
                self.reply(message["request"][1], "ok", value=message["value"], index=message["index"])
        elif kind == "append":
            self.take_entries(sender, message)
        elif kind == "appended" and term == self.term and self.role == "leader":
            if message["ok"]:
                self.match[sender] = max(self.match[sender], message["index"])
                self.next[sender] = self.match[sender] + 1
                self.advance()
            else:
                self.next[sender] = max(1, min(self.next[sender] - 1, message["index"] + 1))

    def take_entries(self, sender, message):
        if message["term"] < self.term:
            self.send(sender, kind="appended", ok=False, index=self.last)
            return
        if self.role != "follower" or self.leader != sender:
            self.leader = sender
            self.become("follower")
        self.await_leader()
        before, entries = message["before"], message["entries"]
        if before > self.last or self.log[before][0] != message["before_term"]:
            self.send(sender, kind="appended", ok=False, index=min(before - 1, self.last))
            return
        for index, entry in enumerate(entries, start=before + 1):
            if index > self.last or self.log[index][0] != entry[0]:
                self.append(index, entries[index - before - 1 :])
                break
        self.send(sender, kind="appended", ok=True, index=before + len(entries))
        self.commit_to(min(message["commit"], before + len(entries)))


def main():
    nodes = {}  # this process holds the whole cluster; a node that starts again forgets all but its disk
    for line in sys.stdin:
        event = json.loads(line)
        answer = {"answers": event["n"]}
        if event["event"] == "hello":
            answer |= {"protocol": 1, "holds": "cluster", "traces": "messages"}
            answer |= {"data_types": ["register", "cas-register"]}
        elif event["event"] == "start":
            node = nodes[event["node"]] = Node(event)
            answer["effects"], node.effects = node.effects, []
        else:
            answer["effects"] = nodes[event["node"]].take(event)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
