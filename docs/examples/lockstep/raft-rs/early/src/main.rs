//! A core of Ackproof's lockstep protocol over raft-rs 0.4.3, which answers reads under a lease: registers,
//! without snapshots and without changes of the members.

mod disk;
#[path = "../../src/lockstep.rs"]
mod lockstep;
#[path = "../../src/reads.rs"]
mod reads;
#[allow(dead_code)] // what it has for snapshots
#[path = "../../src/registers.rs"]
mod registers;

use protobuf::Message as _;
use raft::prelude::{Config, HardState, Message, RawNode, Ready};
use raft::{ReadOnlyOption, StateRole};
use rand::{rngs::StdRng, Rng, SeedableRng};

use disk::{Disk, Record};
use lockstep::{Effects, Event, Reply, Request};
use reads::Reads;
use registers::{rows, Command, Registers};

struct Node {
    name: String,
    members: Vec<String>,
    life: i64,
    tick_ns: i64,
    random: StdRng,
    raft: RawNode<Disk>,
    under_way: Option<(u64, Ready)>, // what waits for a persist, by its number
    persists: u64,                   // how many were begun
    last: u64,                       // the last index of the log
    registers: Registers,
    reads: Reads,
}

impl lockstep::Node for Node {
    fn start(e: Event, out: &mut Effects) -> Node {
        let mut disk = Disk::default();
        disk.members.set_nodes((1..=e.members.len() as u64).collect());
        e.disk.iter().for_each(|text| disk.keep(&rmp_serde::from_slice(&text.0).unwrap()));
        let (last, state) = (disk.entries.len() as u64, disk.state.clone());
        let config = Config {
            id: 1 + e.members.iter().position(|one| *one == e.node).unwrap() as u64,
            heartbeat_tick: 1,
            election_tick: (e.election_timeout_ns / e.heartbeat_ns).max(2) as usize,
            max_election_tick: usize::MAX, // see `draw_timeout`
            max_size_per_msg: 1 << 20,
            read_only_option: ReadOnlyOption::LeaseBased,
            check_quorum: std::env::args().any(|one| one == "-check-quorum"),
            ..Config::default()
        };
        let mut raft = RawNode::new(&config, disk, vec![]).unwrap();
        if state != HardState::new() {
            raft.raft.load_state(&state); // raft-rs does not look at it where the log is empty
        }
        let mut node = Node {
            raft,
            name: e.node,
            members: e.members,
            life: e.life,
            tick_ns: e.heartbeat_ns,
            random: StdRng::seed_from_u64(e.random),
            under_way: None,
            persists: 0,
            last,
            registers: Registers::default(),
            reads: Reads::default(),
        };
        out.trace(lockstep::Trace { append: rows(&node.raft.get_store().entries), ..node.trace() });
        out.timer("tick", e.now + e.heartbeat_ns);
        node.draw_timeout();
        node
    }

    fn take(&mut self, e: Event, out: &mut Effects) {
        match e.event.as_str() {
            "time" => {
                self.raft.tick();
                self.reads.tick(self.raft.raft.get_election_timeout(), &mut self.raft, out);
                out.timer("tick", e.now + self.tick_ns);
            }
            // raft-rs may refuse a message
            "message" => drop(self.raft.step(Message::parse_from_bytes(&e.message.0).unwrap())),
            "request" => self.ask(e.id, e.request, out),
            "synced" => self.on_disk(e.number),
            _ => {}
        }
        while self.under_way.is_none() && self.raft.has_ready() {
            self.begin(out);
        }
        self.draw_timeout();
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

    /// Hand what is ready to the disk. The next one waits until it is there.
    fn begin(&mut self, out: &mut Effects) {
        let mut ready = self.raft.ready();
        let record = Record::of(ready.hs.as_ref(), &ready.entries);
        let mut trace = self.trace();
        if let (Some(first), Some(last)) = (ready.entries.first(), ready.entries.last()) {
            trace.truncate = Some(first.index).filter(|index| *index <= self.last);
            (self.last, trace.append) = (last.index, rows(&ready.entries));
        }
        out.trace(trace);
        self.raft.mut_store().keep(&record);
        let after =
            if record.is_empty() { 0 } else { out.persist(false, rmp_serde::to_vec(&record).unwrap()) };
        self.persists = self.persists.max(after);
        for message in std::mem::take(&mut ready.messages) {
            let to = message.to as usize - 1;
            out.send(&self.members[to], message.write_to_bytes().unwrap(), self.persists, None);
        }
        self.apply(ready.committed_entries.take().unwrap_or_default(), out);
        self.reads.serve(ready.read_states.clone(), &self.registers, out);
        if record.is_empty() {
            return self.raft.advance_append(ready);
        }
        self.under_way = Some((after, ready));
    }

    fn on_disk(&mut self, synced: u64) {
        if let Some((_, ready)) = self.under_way.take_if(|(number, _)| *number <= synced) {
            self.raft.advance_append(ready);
        }
    }

    fn apply(&mut self, committed: Vec<raft::prelude::Entry>, out: &mut Effects) {
        let Some(last) = committed.last() else { return };
        out.applied(rows(&committed));
        for entry in &committed {
            let asked = self.registers.apply(entry);
            if let Some(own) = asked.filter(|one| one.node == self.name && one.life == self.life) {
                out.reply(Reply { id: own.id, r#type: "ok", index: Some(entry.index), ..Reply::default() });
            }
        }
        self.raft.advance_apply(last.index);
    }

    /// Draw an election time-out where raft-rs did: see consensus.rs of the core over raft-rs 0.7.0.
    fn draw_timeout(&mut self) {
        let least = self.raft.raft.get_election_timeout();
        if self.raft.raft.get_randomized_election_timeout() >= 2 * least {
            self.raft.raft.set_randomized_election_timeout(self.random.gen_range(least..2 * least));
        }
    }

    fn trace(&self) -> lockstep::Trace {
        let state = self.raft.raft.hard_state();
        let named = |id: u64| (id > 0).then(|| self.members[id as usize - 1].clone());
        let role = match self.raft.raft.state {
            StateRole::Leader => "leader",
            StateRole::Candidate => "candidate",
            _ => "follower",
        };
        let (vote, leader) = (named(state.vote), named(self.raft.raft.leader_id));
        lockstep::Trace { term: state.term, role, vote, leader, commit: state.commit, ..Default::default() }
    }
}

fn main() -> std::io::Result<()> {
    lockstep::serve::<Node>(&["register"], "state")
}
