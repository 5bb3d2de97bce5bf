package main

import (
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

type record struct { // of the journal
	State    pb.HardState
	Entries  []pb.Entry
	Snapshot pb.Snapshot
}

// storage is etcd's own in memory, with the members as of what was applied.
type storage struct {
	*raft.MemoryStorage
	members pb.ConfState
}

func (s *storage) InitialState() (pb.HardState, pb.ConfState, error) {
	state, _, err := s.MemoryStorage.InitialState()
	return state, s.members, err
}

// keep takes a record that is on the disk, or soon will be.
func (s *storage) keep(r record) {
	if !raft.IsEmptySnap(r.Snapshot) {
		must(s.ApplySnapshot(r.Snapshot))
		s.members = r.Snapshot.Metadata.ConfState
	}
	if !raft.IsEmptyHardState(r.State) {
		must(s.SetHardState(r.State))
	}
	must(s.Append(r.Entries))
}
