package main

import (
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

const changeEvery = 24 // after how many entries another node becomes the learner

// changeMembers applies what an entry changes in the members, and lets the leader change them from time to time.
func (n *node) changeMembers(entry pb.Entry) {
	if entry.Type == pb.EntryConfChangeV2 {
		var change pb.ConfChangeV2
		must(change.Unmarshal(entry.Data)) // an empty one leaves a joint configuration
		n.storage.members = *n.raft.ApplyConfChange(change)
	}
	if entry.Index%changeEvery == 0 && n.raft.BasicStatus().RaftState == raft.StateLeader {
		if change, found := n.nextLearner(entry.Index / changeEvery); found {
			_ = n.raft.ProposeConfChange(change) // it takes no second one at a time
		}
	}
}

// nextLearner gives a change, by joint consensus, that makes a learner of another follower, and a voter of the
// learner before it.
//
// Clusters of an even size stay as they are. In one of an odd size, a majority of all but one node is a majority
// of all, so that who judges a run need not know who votes.
func (n *node) nextLearner(turn uint64) (change pb.ConfChangeV2, found bool) {
	now, own, count := n.storage.members, n.raft.BasicStatus().ID, uint64(len(n.members))
	next := turn%count + 1
	if next == own {
		next = next%count + 1
	}
	if count == 1 || count%2 == 0 || len(now.VotersOutgoing) > 0 || slices.Contains(now.Learners, next) {
		return change, false
	}
	change.Transition = pb.ConfChangeTransitionJointImplicit
	for _, learner := range now.Learners {
		change.Changes = append(change.Changes, pb.ConfChangeSingle{Type: pb.ConfChangeAddNode, NodeID: learner})
	}
	change.Changes = append(change.Changes, pb.ConfChangeSingle{Type: pb.ConfChangeAddLearnerNode, NodeID: next})
	return change, true
}
