//! A core of Ackproof's lockstep protocol (docs/lockstep.md) over TiKV's raft-rs: registers, with snapshots.

mod consensus;
mod disk;
mod lockstep;
mod means;
mod reads;
mod registers;

use std::collections::VecDeque;

use protobuf::Message as _;
use raft::prelude::{Entry, Message, MessageType, RawNode};
use raft::SnapshotStatus;
use rand::{rngs::StdRng, SeedableRng};

use consensus::{change_members, draw_timeout, trace};
use disk::{Disk, Record};
use lockstep::{Effects, Event, Reply, Request};
use reads::Reads;
use registers::{rows, Command, Registers};

const SNAPSHOT_EVERY: u64 = 48; // after how many applied entries a snapshot is taken
const KEPT: u64 = 16; // how many entries before it stay in the log

struct Node {
    name: String,
    members: Vec<String>,
    life: i64,
    tick_ns: i64,
    random: StdRng,
    raft: RawNode<Disk>,
    under_way: VecDeque<UnderWay>,
    last: u64,     // the last index of the log
    taken: u64,    // that of the last snapshot
    persists: u64, // how many were begun
    synced: u64,   // how many the disk has
    registers: Registers,
    reads: Reads,
}

/// A `Ready` that is on the disk when a persist is, and up to where a snapshot came with it.
struct UnderWay {
    persist: u64,
    ready: u64,
    installed: u64,
}

impl lockstep::Node for Node {
    fn start(e: Event, out: &mut Effects) -> Node {
        let (mut disk, mut registers) = (Disk::default(), Registers::default());
        disk.members.voters = (1..=e.members.len() as u64).collect();
        for record in e.disk.iter().map(|text| Record::decoded(&text.0)) {
            disk.keep(&record);
            record.snapshot.iter().for_each(|one| registers.install(one));
        }
        let (newest, taken) = (disk.last().cloned(), registers.index);
        let mut node = Node {
            raft: consensus::recovered(&e, disk, taken),
            name: e.node,
            members: e.members,
            life: e.life,
            tick_ns: e.heartbeat_ns,
            random: StdRng::seed_from_u64(e.random),
            under_way: VecDeque::new(),
            persists: 0,
            synced: 0,
            last: newest.as_ref().map_or(taken, |one| one.index),
            taken,
            registers,
            reads: Reads::default(),
        };
        let mut trace = trace(&node.raft, &node.members);
        if taken > 0 {
            (trace.snapshot, trace.digest) = node.registers.traced();
        }
        out.trace(lockstep::Trace { append: rows(newest.as_slice()), ..trace });
        out.timer("tick", e.now + e.heartbeat_ns);
        draw_timeout(&mut node.raft, &mut node.random);
        node
    }

    fn take(&mut self, e: Event, out: &mut Effects) {
        match e.event.as_str() {
            "time" => {
                self.raft.tick();
                self.reads.tick(self.raft.raft.election_timeout(), &mut self.raft, out);
                out.timer("tick", e.now + self.tick_ns);
            }
            // raft-rs may refuse a message
            "message" => drop(self.raft.step(Message::parse_from_bytes(&e.message.0).unwrap())),
            "request" => self.ask(e.id, e.request, out),
            "synced" => self.on_disk(e.number),
            _ => {}
        }
        while self.raft.has_ready() {
            self.begin(out);
        }
        if self.registers.index >= self.taken + SNAPSHOT_EVERY {
            self.compact(out);
        }
        draw_timeout(&mut self.raft, &mut self.random);
    }
}

impl Node {
    fn ask(&mut self, id: i64, request: Request, out: &mut Effects) {
        let (node, life) = (self.name.clone(), self.life);
        if request.f == "read" {
            return self.reads.ask(&mut self.raft, format!("{node}/{life}/{id}").into(), id, request.key);
        }
        let command = serde_json::to_vec(&Command { request, node, life, id }).unwrap();
        if let Err(problem) = self.raft.propose(vec![], command) {
            out.reply(Reply { id, r#type: "fail", error: problem.to_string(), ..Reply::default() });
        }
    }

    /// Hand what is ready to the disk, and go on: only raft-rs's "persisted messages" must wait.
    fn begin(&mut self, out: &mut Effects) {
        let mut ready = self.raft.ready();
        let snapshot = Some(ready.snapshot().clone()).filter(|one| !one.is_empty());
        let record = Record { state: ready.hs().cloned(), entries: ready.take_entries(), snapshot };
        self.raft.mut_store().keep(&record);
        let (mut trace, mut installed) = (trace(&self.raft, &self.members), 0);
        if let Some(snapshot) = &record.snapshot {
            self.registers.install(snapshot);
            installed = self.registers.index;
            (self.taken, self.last) = (installed, installed);
            (trace.snapshot, trace.digest) = self.registers.traced();
            trace.installed_from = trace.leader.clone();
        }
        if let (Some(first), Some(last)) = (record.entries.first(), record.entries.last()) {
            trace.truncate = Some(first.index).filter(|index| *index <= self.last);
            (self.last, trace.append) = (last.index, rows(&record.entries));
        }
        out.trace(trace);
        if !record.is_empty() {
            self.persists = out.persist(false, record.encoded());
        }
        self.under_way.push_back(UnderWay { persist: self.persists, ready: ready.number(), installed });
        let (soon, later) = (ready.take_messages(), ready.take_persisted_messages());
        let (committed, reads) = (ready.take_committed_entries(), ready.take_read_states());
        self.raft.advance_append_async(ready);
        self.send(soon, 0, out);
        self.send(later, self.persists, out);
        self.apply(&committed, out);
        self.reads.serve(reads, &self.registers, out);
        self.on_disk(self.synced);
    }

    fn send(&mut self, messages: Vec<Message>, after: u64, out: &mut Effects) {
        for message in messages {
            let (to, means) = (message.to as usize - 1, means::of(&message, self.raft.raft.term));
            out.send(&self.members[to], message.write_to_bytes().unwrap(), after, Some(means));
            if message.get_msg_type() == MessageType::MsgSnapshot {
                self.raft.report_snapshot(message.to, SnapshotStatus::Finish); // a heartbeat asks again
            }
        }
    }

    /// Say what the disk has by now: all persists up to a number.
    fn on_disk(&mut self, synced: u64) {
        self.synced = synced;
        while let Some(done) = self.under_way.front().filter(|one| one.persist <= synced) {
            self.raft.on_persist_ready(done.ready);
            if done.installed > 0 {
                self.raft.advance_apply_to(done.installed);
            }
            self.under_way.pop_front();
        }
    }

    fn apply(&mut self, committed: &[Entry], out: &mut Effects) {
        let Some(last) = committed.last() else { return };
        out.applied(rows(committed));
        for entry in committed {
            change_members(&mut self.raft, entry);
            let asked = self.registers.apply(entry);
            if let Some(own) = asked.filter(|one| one.node == self.name && one.life == self.life) {
                out.reply(Reply { id: own.id, r#type: "ok", index: Some(entry.index), ..Reply::default() });
            }
        }
        self.raft.advance_apply_to(last.index);
    }

    /// Take a snapshot, and forget all but the last entries before it.
    fn compact(&mut self, out: &mut Effects) {
        self.taken = self.registers.index;
        let record = self.raft.mut_store().compact(self.taken, KEPT, self.registers.encoded());
        let mut trace = trace(&self.raft, &self.members);
        (trace.snapshot, trace.digest) = self.registers.traced();
        out.trace(trace);
        self.persists = out.persist(true, record.encoded());
    }
}

fn main() -> std::io::Result<()> {
    lockstep::serve::<Node>(&["register"], "messages")
}
