//! raft-rs as a core has it: what it is set to, its time-outs, and its state as a trace has it.

use protobuf::Message as _;
use raft::eraftpb::{ConfChangeTransition, ConfChangeType};
use raft::prelude::{ConfChangeSingle, ConfChangeV2, Config, Entry, EntryType, RawNode};
use raft::StateRole;
use rand::{rngs::StdRng, Rng};

use crate::disk::Disk;
use crate::lockstep::{Event, Trace};

const CHANGE_EVERY: u64 = 24; // after how many entries another node becomes the learner

/// The node that a life begins with, which has applied all up to an index.
pub fn recovered(e: &Event, disk: Disk, applied: u64) -> RawNode<Disk> {
    let ticks = (e.election_timeout_ns / e.heartbeat_ns).max(2) as usize;
    let config = Config {
        id: 1 + e.members.iter().position(|one| *one == e.node).unwrap() as u64,
        heartbeat_tick: 1,
        election_tick: ticks,
        max_election_tick: usize::MAX, // see `draw_timeout`
        applied,
        max_size_per_msg: 1 << 20,
        check_quorum: true,
        pre_vote: true,
        ..Config::default()
    };
    RawNode::new(&config, disk, &slog::Logger::root(slog::Discard, slog::o!())).unwrap()
}

/// Draw an election time-out where raft-rs did, after each event.
///
/// raft-rs takes random numbers of the operating system, which would make each run another one. Its range is
/// up to the largest number here, so what it draws is beyond all sense (but for one draw in 2^55), which says
/// that a time-out is to be drawn. Nothing reads the number before.
pub fn draw_timeout(node: &mut RawNode<Disk>, random: &mut StdRng) {
    let least = node.raft.election_timeout();
    if node.raft.randomized_election_timeout() >= 2 * least {
        node.raft.set_randomized_election_timeout(random.gen_range(least..2 * least));
    }
}

pub fn trace(node: &RawNode<Disk>, members: &[String]) -> Trace {
    let state = node.raft.hard_state();
    let named = |id: u64| (id > 0).then(|| members[id as usize - 1].clone());
    let role = match node.raft.state {
        StateRole::Leader => "leader",
        StateRole::Candidate => "candidate",
        _ => "follower",
    };
    let (vote, leader) = (named(state.vote), named(node.raft.leader_id));
    Trace { term: state.term, role, vote, leader, commit: state.commit, ..Trace::default() }
}

/// Apply what an entry changes in the members, and let the leader change them from time to time.
pub fn change_members(node: &mut RawNode<Disk>, entry: &Entry) {
    if entry.get_entry_type() == EntryType::EntryConfChangeV2 {
        // an empty one leaves a joint configuration
        let change = ConfChangeV2::parse_from_bytes(&entry.data).unwrap();
        node.mut_store().members = node.apply_conf_change(&change).unwrap();
    }
    if entry.index % CHANGE_EVERY == 0 && node.raft.state == StateRole::Leader {
        if let Some(change) = next_learner(node, entry.index / CHANGE_EVERY) {
            let _ = node.propose_conf_change(vec![], change); // it takes no second one at a time
        }
    }
}

/// A change, by joint consensus, that makes a learner of another follower, a voter of the learner before it;
/// or one that leaves a joint configuration, which raft-rs does not do after its leader has changed.
///
/// Clusters of an even size stay as they are. In one of an odd size, a majority of all but one node is a
/// majority of all, so that who judges a run need not know who votes.
fn next_learner(node: &RawNode<Disk>, turn: u64) -> Option<ConfChangeV2> {
    let now = node.raft.prs().conf().to_conf_state();
    let count = (now.voters.len() + now.learners.len()) as u64;
    let mut change = ConfChangeV2::default();
    if !now.voters_outgoing.is_empty() {
        return Some(change);
    }
    let turns = [turn % count + 1, (turn + 1) % count + 1];
    let next = turns.into_iter().find(|id| *id != node.raft.id)?;
    if count % 2 == 0 || now.learners.contains(&next) {
        return None;
    }
    let voters = now.learners.iter().map(|id| (*id, ConfChangeType::AddNode));
    for (node_id, kind) in voters.chain([(next, ConfChangeType::AddLearnerNode)]) {
        let mut single = ConfChangeSingle { node_id, ..ConfChangeSingle::default() };
        single.set_change_type(kind);
        change.mut_changes().push(single);
    }
    change.set_transition(ConfChangeTransition::Implicit);
    Some(change)
}
