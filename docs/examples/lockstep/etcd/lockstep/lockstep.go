// Package lockstep reads events of Ackproof's lockstep protocol and writes what a core answers: docs/lockstep.md.
// It speaks MessagePack; with the argument -json, lines that a person can read.
package lockstep

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"slices"

	"github.com/vmihailenco/msgpack/v5"
)

// Event is one event, whatever its kind: each kind fills some of the fields.
type Event struct {
	N         int64    `json:"n"`
	Event     string   `json:"event"`
	Node      string   `json:"node"`
	Now       int64    `json:"now"`
	Members   []string `json:"members"`
	Disk      [][]byte `json:"disk"`
	Life      int64    `json:"life"`
	Random    int64    `json:"random"`
	Heartbeat int64    `json:"heartbeat_ns"`
	Election  int64    `json:"election_timeout_ns"`
	From      string   `json:"from"`
	Message   []byte   `json:"message"`
	Timer     string   `json:"timer"`
	Id        int64    `json:"id"`
	Request   Request  `json:"request"`
	Number    int64    `json:"number"`
}

// Request is what a client asks; Op is the id of its operation.
type Request struct {
	F     string `json:"f"`
	Key   string `json:"key"`
	Value any    `json:"value"`
	Op    string `json:"op"`
}

// Entry is an entry of the replicated log: its index, its term, its data, and the id of its operation or nil.
type Entry [4]any

// Trace is the state of a node. What is left out stays as it was, but for the vote and the leader.
type Trace struct {
	Effect        string  `json:"effect"`
	Term          uint64  `json:"term"`
	Role          string  `json:"role,omitempty"`
	Vote          *string `json:"vote"`
	Leader        *string `json:"leader"`
	Truncate      uint64  `json:"truncate,omitempty"`
	Append        []Entry `json:"append,omitempty"`
	Commit        uint64  `json:"commit,omitempty"`
	Snapshot      *Entry  `json:"snapshot,omitempty"`
	Digest        string  `json:"digest,omitempty"`
	InstalledFrom *string `json:"installed_from,omitempty"`
}

// Reply answers a client: Type is ok, fail or info.
type Reply struct {
	Effect string `json:"effect"`
	Id     int64  `json:"id"`
	Type   string `json:"type"`
	Value  any    `json:"value,omitempty"`
	Error  string `json:"error,omitempty"`
	Index  uint64 `json:"index,omitempty"`
	After  int64  `json:"after,omitempty"`
}

type persist struct {
	Effect  string   `json:"effect"`
	Records [][]byte `json:"records"`
	Replace bool     `json:"replace,omitempty"`
}

// Means is what a message is in Raft's own words, for cores that trace messages; Kind and Term are always there.
type Means struct {
	Kind   string  `json:"kind"`
	Term   uint64  `json:"term"`
	Index  *uint64 `json:"index,omitempty"`
	Count  *uint64 `json:"count,omitempty"`
	Ok     *bool   `json:"ok,omitempty"`
	Commit *uint64 `json:"commit,omitempty"`
}

type send struct {
	Effect  string `json:"effect"`
	To      string `json:"to"`
	Message []byte `json:"message"`
	After   int64  `json:"after,omitempty"`
	Means   *Means `json:"means,omitempty"`
}

type timer struct {
	Effect string `json:"effect"`
	Name   string `json:"name"`
	At     int64  `json:"at"`
}

type applied struct {
	Effect  string  `json:"effect"`
	Entries []Entry `json:"entries"`
}

type fatal struct {
	Effect string `json:"effect"`
	Reason string `json:"reason"`
}

// Effects collects what a node answers to one event, in order.
type Effects struct {
	list     []any
	persists int64
}

// Persist writes records to the journal, in place of all that it holds if replace; it gives the persist's number.
func (e *Effects) Persist(replace bool, records ...[]byte) int64 {
	e.list = append(e.list, persist{"persist", records, replace})
	e.persists++
	return e.persists
}

// Send sends to another node, once the persist of the number after is on the disk.
func (e *Effects) Send(to string, message []byte, after int64) {
	e.list = append(e.list, send{"send", to, message, after, nil})
}

// SendMeaning is Send for cores that trace messages.
func (e *Effects) SendMeaning(to string, message []byte, after int64, means Means) {
	e.list = append(e.list, send{"send", to, message, after, &means})
}

func (e *Effects) Reply(reply Reply) {
	reply.Effect = "reply"
	e.list = append(e.list, reply)
}

func (e *Effects) Timer(name string, at int64) { e.list = append(e.list, timer{"timer", name, at}) }

func (e *Effects) Applied(entries []Entry) { e.list = append(e.list, applied{"applied", entries}) }

func (e *Effects) Trace(trace Trace) {
	trace.Effect = "trace"
	e.list = append(e.list, trace)
}

// Hello is what a core says of itself.
type Hello struct {
	Answers   int64    `json:"answers"`
	Protocol  int      `json:"protocol"`
	DataTypes []string `json:"data_types"`
	Holds     string   `json:"holds"`
	Traces    string   `json:"traces"`
	Encoding  string   `json:"encoding"`
}

// Node is one life of a node. It does nothing but when it takes an event.
type Node interface {
	Take(Event)
}

type answer struct {
	Answers int64 `json:"answers"`
	Effects []any `json:"effects"`
}

// Serve answers events until the input ends. One process holds all nodes; start begins a life of one of them.
func Serve(hello Hello, start func(Event, *Effects) Node) {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	wire := jsonLines(in)
	hello.Protocol, hello.Holds, hello.Encoding = 1, "cluster", "msgpack"
	if slices.Contains(os.Args[1:], "-json") {
		hello.Encoding = "json"
	}
	var first Event
	check(wire.read(&first))
	hello.Answers = first.N
	check(wire.write(hello))
	if hello.Encoding == "msgpack" {
		wire = frames(in)
	}
	nodes, effects := map[string]Node{}, map[string]*Effects{}
	for {
		var event Event
		if err := wire.read(&event); err == io.EOF {
			return
		} else {
			check(err)
		}
		check(wire.write(answer{event.N, take(event, nodes, effects, start)}))
	}
}

func take(event Event, nodes map[string]Node, effects map[string]*Effects, start func(Event, *Effects) Node) (list []any) {
	defer func() {
		if problem := recover(); problem != nil { // a node that gives up is judged
			list = []any{fatal{"fatal", fmt.Sprint(problem)}}
		}
	}()
	if event.Event == "start" {
		effects[event.Node] = &Effects{}
		nodes[event.Node] = start(event, effects[event.Node])
	} else {
		nodes[event.Node].Take(event)
	}
	list, effects[event.Node].list = effects[event.Node].list, nil
	if list == nil {
		list = []any{}
	}
	return list
}

type wire struct {
	read  func(*Event) error
	write func(any) error
}

func jsonLines(in *bufio.Reader) wire {
	out := json.NewEncoder(os.Stdout)
	return wire{func(event *Event) error {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return err
		}
		return json.Unmarshal(line, event)
	}, out.Encode}
}

// frames are four bytes with a length, the largest first, and then one value in MessagePack.
func frames(in *bufio.Reader) wire {
	var out bytes.Buffer
	decode, encode := msgpack.NewDecoder(in), msgpack.NewEncoder(&out)
	decode.SetCustomStructTag("json")
	encode.SetCustomStructTag("json")
	encode.UseCompactInts(true)
	return wire{func(event *Event) error {
		if _, err := in.Discard(4); err != nil {
			return err
		}
		return decode.Decode(event)
	}, func(value any) error {
		out.Reset()
		out.Write([]byte{0, 0, 0, 0})
		if err := encode.Encode(value); err != nil {
			return err
		}
		binary.BigEndian.PutUint32(out.Bytes(), uint32(out.Len()-4))
		_, err := os.Stdout.Write(out.Bytes())
		return err
	}}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
