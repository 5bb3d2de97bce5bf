//! The refinement map: what a message of raft-rs is in the words of Raft's specification.

use raft::prelude::{Message, MessageType};

use crate::lockstep::Means;

pub fn of(message: &Message, term: u64) -> Means {
    let (index, ok) = (Some(message.index), Some(!message.reject));
    let count = Some(message.entries.len() as u64);
    let commit = Some(message.commit).filter(|_| message.commit_term > 0); // a node may commit by what a vote says
    let means = Means { kind: "other", term: message.term, commit, ..Means::default() };
    match message.get_msg_type() {
        MessageType::MsgRequestVote => Means { kind: "RequestVote", index, ..means },
        MessageType::MsgRequestVoteResponse => Means { kind: "RequestVoteReply", ok, ..means },
        MessageType::MsgAppend => Means { kind: "AppendEntries", index, count, ..means },
        // it stands behind the entry up to which it lets commit
        MessageType::MsgHeartbeat => {
            Means { kind: "AppendEntries", index: Some(message.commit), count, ..means }
        }
        MessageType::MsgAppendResponse if message.index > 0 || message.reject => {
            Means { kind: "AppendEntriesReply", index, ok, ..means }
        }
        MessageType::MsgSnapshot => {
            let snapshot = message.get_snapshot();
            let (index, count) = (Some(snapshot.get_metadata().index), Some(snapshot.data.len() as u64));
            Means { kind: "InstallSnapshot", index, count, ..means }
        }
        // a follower commits what it answers, if the entry there is of the message's term
        MessageType::MsgReadIndexResp => Means { commit: index.filter(|one| *one > 0), ..means },
        _ => Means { term: message.term.min(term), ..means }, // a pre-vote names the next term
    }
}
