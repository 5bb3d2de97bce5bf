// A core of Ackproof's lockstep protocol (docs/lockstep.md) over etcd's raft: registers, without snapshots.
package main

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log"
	mrand "math/rand"
	"os"
	"slices"
	"strconv"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

type effect = map[string]any

type event struct {
	N, Now, Life, Id, Number, Random int64
	Event, Node, From, Timer         string
	Members                          []string
	Message                          []byte // base64 in JSON
	Disk                             []record
	Heartbeat                        int64 `json:"heartbeat_ns"`
	Election                         int64 `json:"election_timeout_ns"`
	Request                          request
}

type request struct {
	F     string `json:"f"`
	Key   string `json:"key"`
	Value any    `json:"value"`
	Op    string `json:"op"`
	Node  string `json:"node"` // where the client asked, in which life, and the request's number there
	Life  int64  `json:"life"`
	Id    int64  `json:"id"`
}

type record struct {
	State   []byte   `json:"state,omitempty"`
	Entries [][]byte `json:"entries,omitempty"`
}

// storage is etcd's own in memory, with the members that the cluster begins with.
type storage struct {
	*raft.MemoryStorage
	members pb.ConfState
}

func (s storage) InitialState() (pb.HardState, pb.ConfState, error) {
	state, _, err := s.MemoryStorage.InitialState()
	return state, s.members, err
}

type node struct {
	name               string
	members            []string
	life, now, tick    int64
	random             io.Reader
	raft               *raft.RawNode
	storage            storage
	ready              raft.Ready // under way to the disk
	persists, awaiting int64      // how many persists there were, and which one is awaited; 0: none
	last, applied      uint64
	registers          map[string]any
	done               map[string]bool
	reads              map[string]request
	confirmed          []raft.ReadState
	out                []effect
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func start(e event) *node {
	n := &node{name: e.Node, members: e.Members, life: e.Life, now: e.Now, tick: e.Heartbeat,
		random: mrand.New(mrand.NewSource(e.Random)), registers: map[string]any{}, done: map[string]bool{},
		reads: map[string]request{}, storage: storage{MemoryStorage: raft.NewMemoryStorage()}}
	for i := range e.Members {
		n.storage.members.Voters = append(n.storage.members.Voters, uint64(i+1))
	}
	for _, r := range e.Disk {
		if r.State != nil {
			var state pb.HardState
			must(state.Unmarshal(r.State))
			must(n.storage.SetHardState(state))
		}
		for _, text := range r.Entries {
			var entry pb.Entry
			must(entry.Unmarshal(text))
			must(n.storage.Append([]pb.Entry{entry}))
		}
	}
	rand.Reader = n.random // where etcd's raft draws its election time-outs
	made, err := raft.NewRawNode(&raft.Config{ID: n.id(e.Node), ElectionTick: int(max(2, e.Election/e.Heartbeat)),
		HeartbeatTick: 1, Storage: n.storage, MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 64, CheckQuorum: true,
		PreVote: true, Logger: &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)}})
	must(err)
	n.raft = made
	n.last, _ = n.storage.LastIndex()
	recovered, _ := n.storage.Entries(max(1, n.last), n.last+1, 1<<30)
	state := made.BasicStatus().HardState
	n.out = append(n.out, effect{"effect": "trace", "term": state.Term, "vote": n.named(state.Vote),
		"append": rows(recovered)})
	n.timer()
	return n
}

func (n *node) id(name string) uint64 { return uint64(slices.Index(n.members, name) + 1) }

func (n *node) named(id uint64) any {
	if id == 0 {
		return nil
	}
	return n.members[id-1]
}

func (n *node) timer() {
	n.out = append(n.out, effect{"effect": "timer", "name": "tick", "at": n.now + n.tick})
}

func (n *node) reply(id int64, kind string, more effect) {
	reply := effect{"effect": "reply", "id": id, "type": kind}
	for key, value := range more {
		reply[key] = value
	}
	n.out = append(n.out, reply)
}

func rows(entries []pb.Entry) [][]any {
	found := [][]any{}
	for _, e := range entries {
		var op any
		var asked request
		if json.Unmarshal(e.Data, &asked) == nil {
			op = asked.Op
		}
		found = append(found, []any{e.Index, e.Term, e.Data, op})
	}
	return found
}

func (n *node) take(e event) {
	n.now = e.Now
	rand.Reader = n.random
	switch e.Event {
	case "time":
		n.raft.Tick()
		n.timer()
	case "message":
		var message pb.Message
		must(message.Unmarshal(e.Message))
		_ = n.raft.Step(message) // it refuses what it does not expect
	case "request":
		e.Request.Node, e.Request.Life, e.Request.Id = n.name, n.life, e.Id
		if e.Request.F == "read" {
			n.reads[strconv.FormatInt(e.Id, 10)] = e.Request
			n.raft.ReadIndex([]byte(fmt.Sprintf("%s/%d/%d", n.name, n.life, e.Id)))
		} else {
			data, _ := json.Marshal(e.Request)
			if n.raft.Propose(data) != nil {
				n.reply(e.Id, "fail", effect{"error": "there is no leader"})
			}
		}
	case "synced":
		if n.awaiting != 0 && e.Number >= n.awaiting {
			n.advance()
		}
	}
	for n.awaiting == 0 && n.raft.HasReady() {
		n.begin()
	}
}

// begin hands what is ready to the disk; messages wait for it.
func (n *node) begin() {
	n.ready = n.raft.Ready()
	rd, status := n.ready, n.raft.BasicStatus()
	role := map[raft.StateType]string{raft.StateLeader: "leader", raft.StateCandidate: "candidate"}[status.RaftState]
	if role == "" {
		role = "follower"
	}
	trace := effect{"effect": "trace", "term": status.HardState.Term, "vote": n.named(status.HardState.Vote),
		"role": role, "leader": n.named(status.Lead), "commit": status.HardState.Commit}
	if len(rd.Entries) > 0 {
		if first := rd.Entries[0].Index; first <= n.last {
			trace["truncate"] = first
		}
		n.last = rd.Entries[len(rd.Entries)-1].Index
		trace["append"] = rows(rd.Entries)
	}
	n.out = append(n.out, trace)
	var r record
	if !raft.IsEmptyHardState(rd.HardState) {
		r.State, _ = rd.HardState.Marshal()
		must(n.storage.SetHardState(rd.HardState))
	}
	for _, entry := range rd.Entries {
		text, _ := entry.Marshal()
		r.Entries = append(r.Entries, text)
	}
	must(n.storage.Append(rd.Entries))
	if r.State != nil || r.Entries != nil {
		n.persists++
		n.awaiting = n.persists
		n.out = append(n.out, effect{"effect": "persist", "records": []record{r}})
	}
	for _, message := range rd.Messages {
		text, _ := message.Marshal()
		n.out = append(n.out, effect{"effect": "send", "to": n.named(message.To), "message": text, "after": n.awaiting})
	}
	if n.awaiting == 0 {
		n.advance()
	}
}

// advance applies what is committed, once all that was ready is on the disk.
func (n *node) advance() {
	rd := n.ready
	if len(rd.CommittedEntries) > 0 {
		n.out = append(n.out, effect{"effect": "applied", "entries": rows(rd.CommittedEntries)})
	}
	for _, entry := range rd.CommittedEntries {
		n.applied = entry.Index
		var asked request
		if json.Unmarshal(entry.Data, &asked) != nil {
			continue // a leader's first entry is empty
		}
		if !n.done[asked.Op] { // a message may arrive twice
			n.done[asked.Op], n.registers[asked.Key] = true, asked.Value
			if asked.Node == n.name && asked.Life == n.life {
				n.reply(asked.Id, "ok", effect{"index": entry.Index})
			}
		}
	}
	n.confirmed = append(n.confirmed, rd.ReadStates...)
	n.confirmed = slices.DeleteFunc(n.confirmed, func(state raft.ReadState) bool { return n.serve(state) })
	n.awaiting = 0
	n.raft.Advance(rd)
}

// serve answers a read whose index is applied, and says whether it is over.
func (n *node) serve(state raft.ReadState) bool {
	if state.Index > n.applied {
		return false
	}
	var life, id int64
	fmt.Sscanf(string(state.RequestCtx[len(n.name)+1:]), "%d/%d", &life, &id)
	if asked, found := n.reads[strconv.FormatInt(id, 10)]; found && life == n.life {
		delete(n.reads, strconv.FormatInt(id, 10))
		n.reply(id, "ok", effect{"value": n.registers[asked.Key]})
	}
	return true
}

func step(nodes map[string]*node, e event) (answer effect) {
	answer = effect{"answers": e.N}
	defer func() {
		if problem := recover(); problem != nil {
			answer["effects"] = []effect{{"effect": "fatal", "reason": fmt.Sprint(problem)}}
		}
	}()
	switch e.Event {
	case "hello":
		answer["protocol"], answer["holds"], answer["traces"] = 1, "cluster", "state"
		answer["data_types"] = []string{"register"}
		return
	case "start":
		nodes[e.Node] = start(e)
	default:
		nodes[e.Node].take(e)
	}
	answer["effects"], nodes[e.Node].out = nodes[e.Node].out, []effect{}
	return
}

func main() {
	in, out := bufio.NewReaderSize(os.Stdin, 1<<20), json.NewEncoder(os.Stdout)
	nodes := map[string]*node{}
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var e event
		must(json.Unmarshal(line, &e))
		must(out.Encode(step(nodes, e)))
	}
}
