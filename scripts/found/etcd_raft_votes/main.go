// A candidate that crashes takes the votes of its former life, and leads without an entry that was committed:
// etcd's raft with AsyncStorageWrites. Each message and each write is carried out by hand, in one order; n3's
// disk is slow. Run it with `go run .`: it ends with status 1 where the entry is lost. With `go run . -wait`,
// requests for votes wait for the disk, and nothing is lost.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

type node struct {
	id      uint64
	raft    *raft.RawNode
	disk    *raft.MemoryStorage // what survives a crash
	pending []pb.Message        // writes that are not on the disk
	held    []pb.Message        // with -wait: requests for votes that wait for these
}

var (
	network []pb.Message // messages that have left
	waits   = slices.Contains(os.Args[1:], "-wait")
)

func (n *node) start() {
	made, err := raft.NewRawNode(&raft.Config{ID: n.id, ElectionTick: 10, HeartbeatTick: 1, Storage: n.disk,
		MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 64, AsyncStorageWrites: true, Logger: &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)}})
	check(err)
	n.raft, n.pending, n.held = made, nil, nil
}

// ready sends what raft lets leave at once; writes wait for `sync`.
func (n *node) ready() {
	for n.raft.HasReady() {
		for _, m := range n.raft.Ready().Messages {
			switch m.To {
			case raft.LocalAppendThread:
				n.pending = append(n.pending, m)
			case raft.LocalApplyThread:
				for _, e := range m.Entries {
					if len(e.Data) > 0 {
						fmt.Printf("n%d applies %s at index %d of term %d: it is committed\n", n.id, e.Data, e.Index, e.Term)
					}
				}
				for _, answer := range m.Responses {
					check(n.raft.Step(answer))
				}
			default:
				if waits && m.Type == pb.MsgVote {
					n.held = append(n.held, m)
				} else {
					network = append(network, m)
				}
			}
		}
	}
}

// sync brings all that is pending to the disk, and lets leave what waits for it.
func (n *node) sync() {
	for len(n.pending) > 0 {
		write := n.pending[0]
		n.pending = n.pending[1:]
		if write.Term > 0 {
			check(n.disk.SetHardState(pb.HardState{Term: write.Term, Vote: write.Vote, Commit: write.Commit}))
		}
		check(n.disk.Append(write.Entries))
		for _, answer := range write.Responses {
			if answer.To == n.id {
				check(n.raft.Step(answer))
			} else {
				network = append(network, answer)
			}
		}
		n.ready()
	}
	network = append(network, n.held...)
	n.held = nil
}

// deliver gives a node all that is on its way from another one; all else stays on its way.
func deliver(to *node, from uint64) {
	for _, m := range network {
		if m.To == to.id && m.From == from {
			_ = to.raft.Step(m)
			to.ready()
		}
	}
	network = slices.DeleteFunc(network, func(m pb.Message) bool { return m.To == to.id && m.From == from })
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	var n1, n2, n3 node
	members := pb.ConfState{Voters: []uint64{1, 2, 3}}
	for at, n := range []*node{&n1, &n2, &n3} {
		n.id, n.disk = uint64(at+1), raft.NewMemoryStorage()
		check(n.disk.ApplySnapshot(pb.Snapshot{Metadata: pb.SnapshotMetadata{Index: 1, Term: 1, ConfState: members}}))
		check(n.disk.SetHardState(pb.HardState{Term: 1, Commit: 1}))
		n.start()
	}
	turn := func(n *node, from uint64) { deliver(n, from); n.sync() }

	check(n1.raft.Campaign())
	n1.ready()
	n1.sync()
	for range 4 {
		for _, n := range []*node{&n2, &n3} {
			turn(n, 1)
			turn(&n1, n.id)
		}
	}
	fmt.Printf("n1 leads term %d\n", n1.raft.BasicStatus().Term)

	check(n1.raft.Propose([]byte("the write")))
	n1.ready()
	n1.sync()
	deliver(&n3, 1) // n3 has the entry, and its disk has not
	turn(&n2, 1)
	turn(&n1, 2) // n1 and n2 have it on their disks: n1 commits it, and answers the client
	fmt.Println("n1 is cut off")
	network = slices.DeleteFunc(network, func(m pb.Message) bool { return m.From == 1 })

	check(n3.raft.Campaign())
	n3.ready()
	fmt.Printf("n3 asks for votes in term %d, with a log up to index %d; its disk has neither\n", n3.raft.BasicStatus().Term, last(&n3))
	turn(&n2, 3) // n2 votes for it
	fmt.Printf("n2 votes for n%d in term %d\n", n2.raft.BasicStatus().Vote, n2.raft.BasicStatus().Term)
	n3.start()
	fmt.Printf("n3 crashes and starts again in term %d\n", n3.raft.BasicStatus().Term)
	check(n3.raft.Campaign())
	n3.ready()
	n3.sync()
	deliver(&n3, 2) // the vote that it was given before
	n3.sync()
	fmt.Printf("n3 is %s in term %d\n", n3.raft.BasicStatus().RaftState, n3.raft.BasicStatus().Term)
	if n3.raft.BasicStatus().RaftState != raft.StateLeader {
		fmt.Println("nothing is lost")
		return
	}
	for range 5 {
		turn(&n2, 3)
		turn(&n3, 2)
	}
	check(n3.raft.Propose([]byte("another write")))
	n3.ready()
	n3.sync()
	for range 3 {
		turn(&n2, 3)
		turn(&n3, 2)
	}
	held, err := n2.disk.Entries(2, last(&n2)+1, 1<<20)
	check(err)
	for _, e := range held {
		if string(e.Data) == "the write" {
			fmt.Println("n2 has the write")
			return
		}
	}
	fmt.Println("n2 and n3 have lost the write that n1 committed")
	os.Exit(1)
}

func last(n *node) uint64 {
	index, _ := n.disk.LastIndex()
	for _, write := range n.pending {
		for _, e := range write.Entries {
			index = e.Index
		}
	}
	return index
}
