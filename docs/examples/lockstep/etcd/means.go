package main

import (
	"core/lockstep"

	pb "go.etcd.io/raft/v3/raftpb"
)

// means is the refinement map: what a message of etcd's raft is in the words of Raft's specification.
func (n *node) means(m pb.Message) lockstep.Means {
	count, ok := uint64(len(m.Entries)), !m.Reject
	switch m.Type {
	case pb.MsgVote:
		return lockstep.Means{Kind: "RequestVote", Term: m.Term, Index: &m.Index}
	case pb.MsgVoteResp:
		return lockstep.Means{Kind: "RequestVoteReply", Term: m.Term, Ok: &ok}
	case pb.MsgApp:
		return lockstep.Means{Kind: "AppendEntries", Term: m.Term, Index: &m.Index, Count: &count}
	case pb.MsgHeartbeat: // it stands behind the entry up to which it lets commit
		return lockstep.Means{Kind: "AppendEntries", Term: m.Term, Index: &m.Commit, Count: &count}
	case pb.MsgAppResp:
		if m.Index > 0 || m.Reject { // else it only says its term
			return lockstep.Means{Kind: "AppendEntriesReply", Term: m.Term, Index: &m.Index, Ok: &ok}
		}
	case pb.MsgSnap:
		size := uint64(len(m.Snapshot.Data))
		return lockstep.Means{Kind: "InstallSnapshot", Term: m.Term, Index: &m.Snapshot.Metadata.Index, Count: &size}
	}
	return lockstep.Means{Kind: "other", Term: min(m.Term, n.raft.BasicStatus().Term)} // pre-votes name the next term
}
