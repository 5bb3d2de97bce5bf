// A core of Ackproof's lockstep protocol (docs/lockstep.md) over etcd's raft: registers, with snapshots.
package main

import (
	"cmp"
	"core/lockstep"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log"
	mrand "math/rand"
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

const snapshotEvery, kept = 48, 16 // after how many applied entries a snapshot is taken, and how many stay in the log

type node struct {
	name            string
	members         []string
	life, now, tick int64
	random          io.Reader
	raft            *raft.RawNode
	storage         storage
	underWay        []write // to the disk, in order
	begun, synced   int64   // how many persists were begun, and how many the disk has
	last, taken     uint64  // the last index of the log, and that of the last snapshot
	registers       registers
	reads           map[string]lockstep.Event
	confirmed       []raft.ReadState
	out             *lockstep.Effects
}

func start(e lockstep.Event, out *lockstep.Effects) lockstep.Node {
	n := &node{name: e.Node, members: e.Members, life: e.Life, now: e.Now, tick: e.Heartbeat, out: out,
		random: mrand.New(mrand.NewSource(e.Random)), storage: storage{MemoryStorage: raft.NewMemoryStorage()},
		registers: registers{Values: map[string]any{}, Done: map[string]bool{}}, reads: map[string]lockstep.Event{}}
	for i := range e.Members {
		n.storage.members.Voters = append(n.storage.members.Voters, uint64(i+1))
	}
	for _, text := range e.Disk {
		var r record
		must(json.Unmarshal(text, &r))
		n.storage.keep(r)
		n.registers.install(r.Snapshot)
	}
	n.taken = n.registers.Last.Index
	rand.Reader = n.random // where etcd's raft draws its election time-outs
	made, err := raft.NewRawNode(&raft.Config{ID: uint64(slices.Index(n.members, n.name) + 1), HeartbeatTick: 1,
		ElectionTick: int(max(2, e.Election/e.Heartbeat)), Storage: &n.storage, Applied: n.taken, MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 64,
		CheckQuorum: true, PreVote: true, AsyncStorageWrites: true, Logger: &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)}})
	must(err)
	n.raft = made
	trace := n.trace()
	if n.taken > 0 {
		trace.Snapshot, trace.Digest = n.registers.traced()
	}
	if n.last, _ = n.storage.LastIndex(); n.last > n.taken {
		recovered, _ := n.storage.Entries(n.last, n.last+1, 1<<30)
		trace.Append = rows(recovered)
	}
	out.Trace(trace)
	out.Timer("tick", n.now+n.tick)
	return n
}

func (n *node) named(id uint64) *string {
	if id == 0 {
		return nil
	}
	return &n.members[id-1]
}

func (n *node) trace() lockstep.Trace {
	s := n.raft.BasicStatus()
	role := map[raft.StateType]string{raft.StateLeader: "leader", raft.StateCandidate: "candidate"}[s.RaftState]
	role = cmp.Or(role, "follower")
	return lockstep.Trace{Term: s.Term, Role: role, Vote: n.named(s.Vote), Leader: n.named(s.Lead), Commit: s.Commit}
}

func (n *node) Take(e lockstep.Event) {
	n.now, rand.Reader = e.Now, n.random
	switch e.Event {
	case "time":
		n.raft.Tick()
		n.out.Timer("tick", n.now+n.tick)
	case "message":
		var message pb.Message
		must(message.Unmarshal(e.Message))
		_ = n.raft.Step(message) // it refuses what it does not expect
	case "request":
		if e.Request.F == "read" {
			read := fmt.Sprintf("%s/%d/%d", n.name, n.life, e.Id)
			n.reads[read] = e
			n.raft.ReadIndex([]byte(read))
		} else if n.raft.Propose(encoded(command{e.Request, n.name, n.life, e.Id})) != nil {
			n.out.Reply(lockstep.Reply{Id: e.Id, Type: "fail", Error: "there is no leader"})
		}
	case "synced":
		n.onDisk(e.Number)
	}
	for n.raft.HasReady() {
		n.begin()
	}
	if n.registers.Last.Index >= n.taken+snapshotEvery {
		n.compact()
	}
}

// apply applies what is committed, and tells raft.
func (n *node) apply(committed pb.Message) {
	n.out.Applied(rows(committed.Entries))
	for _, entry := range committed.Entries {
		asked, isNew := n.registers.apply(entry)
		if isNew && asked.Node == n.name && asked.Life == n.life {
			n.out.Reply(lockstep.Reply{Id: asked.Id, Type: "ok", Index: entry.Index})
		}
		n.changeMembers(entry)
	}
	for _, answer := range committed.Responses {
		_ = n.raft.Step(answer)
	}
}

// compact takes a snapshot, and forgets all but the last entries before it.
func (n *node) compact() {
	n.taken = n.registers.Last.Index
	snapshot, err := n.storage.CreateSnapshot(n.taken, &n.storage.members, encoded(n.registers))
	must(err)
	must(n.storage.Compact(n.taken - kept))
	var after []pb.Entry
	if n.last > n.taken {
		after, err = n.storage.Entries(n.taken+1, n.last+1, 1<<30)
		must(err)
	}
	state, _, _ := n.storage.InitialState()
	trace := n.trace()
	trace.Snapshot, trace.Digest = n.registers.traced()
	n.out.Trace(trace)
	n.begun = n.out.Persist(true, encoded(record{state, after, snapshot}))
}

// serve answers a read whose index is applied, and says whether it is over.
func (n *node) serve(confirmed raft.ReadState) bool {
	if confirmed.Index > n.registers.Last.Index {
		return false
	}
	if asked, found := n.reads[string(confirmed.RequestCtx)]; found {
		delete(n.reads, string(confirmed.RequestCtx))
		n.out.Reply(lockstep.Reply{Id: asked.Id, Type: "ok", Value: n.registers.Values[asked.Request.Key]})
	}
	return true
}

func main() {
	lockstep.Serve(lockstep.Hello{DataTypes: []string{"register"}, Traces: "messages"}, start)
}
