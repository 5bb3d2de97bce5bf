//! Reads by ReadIndex: raft-rs confirms an index, and a read is answered once all up to it is applied.

use std::collections::BTreeMap;

use raft::prelude::RawNode;
use raft::ReadState;

use crate::disk::Disk;
use crate::lockstep::{Effects, Reply};
use crate::registers::Registers;

/// The reads of one life of a node that are not answered.
#[derive(Default)]
pub struct Reads {
    waiting: BTreeMap<Vec<u8>, Read>, // by a name that no other read of the cluster has
    confirmed: Vec<ReadState>,
}

struct Read {
    id: i64,
    key: Option<String>,
    ticks: usize, // how long ago it was asked
}

impl Reads {
    pub fn ask(&mut self, raft: &mut RawNode<Disk>, name: Vec<u8>, id: i64, key: Option<String>) {
        self.waiting.insert(name.clone(), Read { id, key, ticks: 0 });
        raft.read_index(name);
    }

    /// raft-rs drops a read where there is no leader, or one that has committed nothing yet: ask again, and
    /// then give up. `long` is an election time-out, in ticks.
    pub fn tick(&mut self, long: usize, raft: &mut RawNode<Disk>, out: &mut Effects) {
        self.waiting.retain(|name, read| {
            read.ticks += 1;
            if read.ticks == long {
                raft.read_index(name.clone());
            } else if read.ticks == 2 * long {
                let error = "no leader confirms".into();
                out.reply(Reply { id: read.id, r#type: "fail", error, ..Reply::default() });
            }
            read.ticks < 2 * long
        });
    }

    /// Answer what is confirmed and applied.
    pub fn serve(&mut self, confirmed: Vec<ReadState>, registers: &Registers, out: &mut Effects) {
        self.confirmed.extend(confirmed);
        let ready = |one: &&ReadState| one.index <= registers.index;
        for one in self.confirmed.iter().filter(ready) {
            if let Some(read) = self.waiting.remove(&one.request_ctx) {
                let value = read.key.and_then(|key| registers.values.get(&key).cloned()).unwrap_or_default();
                out.reply(Reply { id: read.id, r#type: "ok", value, ..Reply::default() });
            }
        }
        self.confirmed.retain(|one| one.index > registers.index);
    }
}
