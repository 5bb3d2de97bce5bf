//! What raft-rs reads of the log, in memory, and the records of the journal that it is made of.

use protobuf::Message;
use raft::prelude::{ConfState, Entry, HardState, Snapshot, Storage};
use raft::{util::limit_size, GetEntriesContext, RaftState, Result, StorageError};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// A record of the journal: what one `Ready` brings, or all that is left after a snapshot was taken.
#[derive(Default)]
pub struct Record {
    pub state: Option<HardState>,
    pub entries: Vec<Entry>,
    pub snapshot: Option<Snapshot>,
}

#[derive(Deserialize, Serialize)]
struct Written(Option<ByteBuf>, Vec<ByteBuf>, Option<ByteBuf>);

impl Record {
    pub fn is_empty(&self) -> bool {
        self.state.is_none() && self.entries.is_empty() && self.snapshot.is_none()
    }

    pub fn encoded(&self) -> Vec<u8> {
        let entries = self.entries.iter().map(bytes).collect();
        let written = Written(self.state.as_ref().map(bytes), entries, self.snapshot.as_ref().map(bytes));
        rmp_serde::to_vec(&written).unwrap()
    }

    pub fn decoded(data: &[u8]) -> Record {
        let Written(state, entries, snapshot) = rmp_serde::from_slice(data).unwrap();
        let (state, snapshot) = (state.map(value), snapshot.map(value));
        Record { state, entries: entries.into_iter().map(value).collect(), snapshot }
    }
}

fn bytes<M: Message>(value: &M) -> ByteBuf {
    ByteBuf::from(value.write_to_bytes().unwrap())
}

fn value<M: Message>(data: ByteBuf) -> M {
    M::parse_from_bytes(&data).unwrap()
}

/// The log. What is in it is on the disk, or on its way.
#[derive(Default)]
pub struct Disk {
    pub state: HardState,
    pub members: ConfState,
    before: (u64, u64), // index and term of the last entry that was forgotten
    entries: Vec<Entry>,
    snapshot: Snapshot, // the last one that was taken or installed
}

impl Disk {
    /// Take a record that is on the disk, or soon will be.
    pub fn keep(&mut self, record: &Record) {
        if let Some(snapshot) = &record.snapshot {
            let about = snapshot.get_metadata();
            self.before = (about.index, about.term);
            self.members = about.get_conf_state().clone();
            self.snapshot = snapshot.clone();
            self.entries.clear();
        }
        if let Some(state) = &record.state {
            self.state = state.clone();
        }
        if let Some(first) = record.entries.first() {
            self.entries.truncate(self.place(first.index));
            self.entries.extend_from_slice(&record.entries);
        }
    }

    /// Have a snapshot up to an index, and forget all but the `kept` entries before it. This gives the record
    /// that replaces the journal.
    pub fn compact(&mut self, index: u64, kept: u64, data: Vec<u8>) -> Record {
        let about = self.snapshot.mut_metadata();
        about.set_conf_state(self.members.clone());
        (about.index, about.term) = (index, self.entries[(index - self.before.0 - 1) as usize].term);
        self.snapshot.data = data.into();
        if let Some(last) = (index - self.before.0).checked_sub(kept + 1) {
            let forgotten = self.entries.drain(..=last as usize).next_back().unwrap();
            self.before = (forgotten.index, forgotten.term);
        }
        let entries = self.entries[self.place(index + 1)..].to_vec();
        Record { state: Some(self.state.clone()), entries, snapshot: Some(self.snapshot.clone()) }
    }

    pub fn last(&self) -> Option<&Entry> {
        self.entries.last()
    }

    fn place(&self, index: u64) -> usize {
        (index - self.before.0 - 1) as usize
    }
}

impl Storage for Disk {
    fn initial_state(&self) -> Result<RaftState> {
        Ok(RaftState::new(self.state.clone(), self.members.clone()))
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        most: impl Into<Option<u64>>,
        _: GetEntriesContext,
    ) -> Result<Vec<Entry>> {
        if low <= self.before.0 {
            return Err(StorageError::Compacted.into());
        }
        let mut found = self.entries[self.place(low)..self.place(high)].to_vec();
        limit_size(&mut found, most.into());
        Ok(found)
    }

    fn term(&self, index: u64) -> Result<u64> {
        match index.checked_sub(self.before.0) {
            None => Err(StorageError::Compacted.into()),
            Some(0) => Ok(self.before.1),
            Some(place) => {
                let found = self.entries.get(place as usize - 1);
                found.map(|one| one.term).ok_or(StorageError::Unavailable.into())
            }
        }
    }

    fn first_index(&self) -> Result<u64> {
        Ok(self.before.0 + 1)
    }

    fn last_index(&self) -> Result<u64> {
        Ok(self.before.0 + self.entries.len() as u64)
    }

    fn snapshot(&self, _least: u64, _to: u64) -> Result<Snapshot> {
        Ok(self.snapshot.clone())
    }
}
