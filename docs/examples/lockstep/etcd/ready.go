package main

import (
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

type write struct { // is on the disk with a persist, and then raft is given the answers to itself
	persist int64
	answers []pb.Message
}

// begin takes what is ready: after each event, so that what it says of itself comes of one message alone. What must
// wait for the disk, raft says itself (AsyncStorageWrites).
func (n *node) begin() {
	ready := n.raft.Ready()
	trace, r := n.trace(), record{ready.HardState, ready.Entries, ready.Snapshot}
	n.storage.keep(r)
	if n.registers.install(r.Snapshot) {
		n.taken, n.last = n.registers.Last.Index, n.registers.Last.Index
		trace.InstalledFrom = trace.Leader
		trace.Snapshot, trace.Digest = n.registers.traced()
	}
	if len(r.Entries) > 0 {
		if first := r.Entries[0].Index; first <= n.last {
			trace.Truncate = first
		}
		n.last, trace.Append = r.Entries[len(r.Entries)-1].Index, rows(r.Entries)
	}
	n.out.Trace(trace)
	if !raft.IsEmptyHardState(r.State) || len(r.Entries) > 0 || !raft.IsEmptySnap(r.Snapshot) {
		n.begun = n.out.Persist(false, encoded(r))
	}
	for _, message := range ready.Messages {
		switch message.To {
		case raft.LocalAppendThread:
			n.await(message.Responses)
		case raft.LocalApplyThread:
			n.apply(message)
		default:
			n.send(message, n.waits(message))
		}
	}
	n.confirmed = slices.DeleteFunc(append(n.confirmed, ready.ReadStates...), n.serve)
}

// waits is the persist that a message waits for, of those that raft lets leave at once. A candidate that forgets in a
// crash that it asked for votes asks again in the same term, perhaps with a shorter log, and takes the votes that it was
// given before: so requests for votes wait here, as they do without AsyncStorageWrites.
func (n *node) waits(message pb.Message) int64 {
	if message.Type == pb.MsgVote {
		return n.begun
	}
	return 0
}

// await lets the answers of a write wait for the disk: those to others leave then, those to itself raft is given.
func (n *node) await(answers []pb.Message) {
	own := write{persist: n.begun}
	for _, answer := range answers {
		if *n.named(answer.To) == n.name {
			own.answers = append(own.answers, answer)
		} else {
			n.send(answer, n.begun)
		}
	}
	n.underWay = append(n.underWay, own)
	n.onDisk(n.synced)
}

func (n *node) send(message pb.Message, after int64) {
	text, _ := message.Marshal()
	n.out.SendMeaning(*n.named(message.To), text, after, n.means(message))
	if message.Type == pb.MsgSnap { // it may be lost: the next heartbeat asks what arrived
		n.raft.ReportSnapshot(message.To, raft.SnapshotFinish)
	}
}

// onDisk says what the disk has: all persists up to a number.
func (n *node) onDisk(synced int64) {
	for n.synced = synced; len(n.underWay) > 0 && n.underWay[0].persist <= synced; n.underWay = n.underWay[1:] {
		for _, answer := range n.underWay[0].answers {
			_ = n.raft.Step(answer)
		}
	}
}
