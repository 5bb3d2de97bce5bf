//! The state machine: registers, and what a snapshot holds of them.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use raft::prelude::{Entry, Snapshot};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lockstep::{Bytes, Request, Row};

/// An entry's data: a write, and where its client asked: the node, its life, the number of the request.
#[derive(Deserialize, Serialize)]
pub struct Command {
    pub request: Request,
    pub node: String,
    pub life: i64,
    pub id: i64,
}

#[derive(Default, Deserialize, Serialize)]
pub struct Registers {
    pub values: BTreeMap<String, Value>,
    done: BTreeSet<String>, // operations that were applied, since a proposal may arrive twice
    pub index: u64,         // of the last entry that was applied, and its term and data
    term: u64,
    data: Vec<u8>,
}

impl Registers {
    /// Take the state of a snapshot.
    pub fn install(&mut self, snapshot: &Snapshot) {
        *self = serde_json::from_slice(&snapshot.data).unwrap();
    }

    /// The write that an entry carried, if it was applied now.
    pub fn apply(&mut self, entry: &Entry) -> Option<Command> {
        (self.index, self.term, self.data) = (entry.index, entry.term, entry.data.to_vec());
        let asked = command(&entry.data)?;
        if !self.done.insert(asked.request.op.clone()) {
            return None;
        }
        self.values.insert(asked.request.key.clone()?, asked.request.value.clone());
        Some(asked)
    }

    pub fn encoded(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap()
    }

    /// The snapshot of the registers as a trace has it: its last entry, and a digest of all.
    pub fn traced(&self) -> (Option<Row>, String) {
        let mut hash = DefaultHasher::new();
        self.encoded().hash(&mut hash);
        let op = command(&self.data).map(|asked| asked.request.op);
        (Some(Row(self.index, self.term, Bytes(self.data.clone()), op)), format!("{:x}", hash.finish()))
    }
}

fn command(data: &[u8]) -> Option<Command> {
    serde_json::from_slice(data).ok() // a leader's first entry is empty
}

pub fn rows(entries: &[Entry]) -> Vec<Row> {
    let row = |one: &Entry| {
        let op = command(&one.data).map(|asked| asked.request.op);
        Row(one.index, one.term, Bytes(one.data.to_vec()), op)
    };
    entries.iter().map(row).collect()
}
