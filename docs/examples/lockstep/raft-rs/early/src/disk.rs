//! What raft-rs reads of the log, in memory, and the records of the journal that it is made of.

use protobuf::Message;
use raft::prelude::{ConfState, Entry, HardState, RaftState, Snapshot, Storage};
use raft::{util::limit_size, Result, StorageError};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// A record of the journal: what one `Ready` brings.
#[derive(Deserialize, Serialize)]
pub struct Record(Option<ByteBuf>, Vec<ByteBuf>);

impl Record {
    pub fn of(state: Option<&HardState>, entries: &[Entry]) -> Record {
        Record(state.map(bytes), entries.iter().map(bytes).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none() && self.1.is_empty()
    }
}

fn bytes<M: Message>(value: &M) -> ByteBuf {
    ByteBuf::from(value.write_to_bytes().unwrap())
}

/// The log, without snapshots.
#[derive(Default)]
pub struct Disk {
    pub state: HardState,
    pub members: ConfState,
    pub entries: Vec<Entry>,
}

impl Disk {
    /// Take a record that is on the disk.
    pub fn keep(&mut self, record: &Record) {
        if let Some(state) = &record.0 {
            self.state = HardState::parse_from_bytes(state).unwrap();
        }
        let entries: Vec<Entry> = record.1.iter().map(|one| Entry::parse_from_bytes(one).unwrap()).collect();
        if let Some(first) = entries.first() {
            self.entries.truncate(first.index as usize - 1);
            self.entries.extend(entries);
        }
    }
}

impl Storage for Disk {
    fn initial_state(&self) -> Result<RaftState> {
        Ok(RaftState { hard_state: self.state.clone(), conf_state: self.members.clone() })
    }

    fn entries(&self, low: u64, high: u64, most: u64) -> Result<Vec<Entry>> {
        let mut found = self.entries[low as usize - 1..high as usize - 1].to_vec();
        limit_size(&mut found, most);
        Ok(found)
    }

    fn term(&self, index: u64) -> Result<u64> {
        match index {
            0 => Ok(0),
            _ => self
                .entries
                .get(index as usize - 1)
                .map(|one| one.term)
                .ok_or(StorageError::Unavailable.into()),
        }
    }

    fn first_index(&self) -> Result<u64> {
        Ok(1)
    }

    fn last_index(&self) -> Result<u64> {
        Ok(self.entries.len() as u64)
    }

    fn snapshot(&self) -> Result<Snapshot> {
        Ok(Snapshot::new())
    }
}
