package main

import (
	"core/lockstep"
	"encoding/json"
	"fmt"
	"hash/fnv"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// command is an entry's data: a write, and where its client asked: the node, its life, the number of the request.
type command struct {
	lockstep.Request
	Node string
	Life int64
	Id   int64
}

// registers is the state machine, and what a snapshot holds.
type registers struct {
	Values map[string]any
	Done   map[string]bool // operations that were applied, since a proposal may arrive twice
	Last   pb.Entry        // the last one that was applied
}

// install takes the state of a snapshot, and says whether there was one.
func (r *registers) install(snapshot pb.Snapshot) bool {
	if raft.IsEmptySnap(snapshot) {
		return false
	}
	*r = registers{}
	must(json.Unmarshal(snapshot.Data, r))
	return true
}

// apply gives the write that an entry carried, and whether it was applied now.
func (r *registers) apply(entry pb.Entry) (asked command, isNew bool) {
	r.Last = entry
	if json.Unmarshal(entry.Data, &asked) != nil || r.Done[asked.Op] {
		return asked, false // a leader's first entry is empty
	}
	r.Done[asked.Op], r.Values[asked.Key] = true, asked.Value
	return asked, true
}

// traced is the snapshot of the registers as a trace has it: its last entry, and a digest of all.
func (r *registers) traced() (*lockstep.Entry, string) {
	hash := fnv.New64a()
	hash.Write(encoded(r))
	return &rows([]pb.Entry{r.Last})[0], fmt.Sprintf("%x", hash.Sum64())
}

func rows(entries []pb.Entry) (found []lockstep.Entry) {
	for _, e := range entries {
		var op any
		var asked command
		if json.Unmarshal(e.Data, &asked) == nil {
			op = asked.Op
		}
		found = append(found, lockstep.Entry{e.Index, e.Term, e.Data, op})
	}
	return found
}

func encoded(value any) []byte {
	text, err := json.Marshal(value)
	must(err)
	return text
}

func must(err error) {
	if err != nil {
		panic(err) // the node's process is taken for ended
	}
}
