package main

import (
	"bufio"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/anishathalye/porcupine"
)

// Reading histories, as a user of Porcupine would: JSON lines with encoding/json, logs with regular
// expressions, as Porcupine's own tests do.

var (
	logLine = regexp.MustCompile(`^INFO\s+jepsen\.util\s+-\s+(\d+)\s+:(invoke|ok|fail)\s+:(read|write|cas)\s+(.*)$`)
	ednLine = regexp.MustCompile(`^{:process (\d+), :type :(invoke|ok), :f :(get|put|append), :key "(.*)", :value (?:nil|"(.*)")}$`)
	pair    = regexp.MustCompile(`^\[(\d+)\s+(\d+)\]$`)
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func number(text string) int {
	if text == "nil" || text == ":timed-out" {
		return nothing
	}
	n, err := strconv.Atoi(text)
	must(err)
	return n
}

// A recorder pairs completions with their calls.
type recorder struct {
	events  []porcupine.Event
	pending map[int]int
	calls   int
}

func (r *recorder) call(process int, call input) {
	r.events = append(r.events, porcupine.Event{ClientId: process, Kind: porcupine.CallEvent, Value: call, Id: r.calls})
	r.pending[process] = r.calls
	r.calls++
}

func (r *recorder) reply(process int, reply output) {
	r.events = append(r.events, porcupine.Event{ClientId: process, Kind: porcupine.ReturnEvent, Value: reply, Id: r.pending[process]})
	delete(r.pending, process)
}

// finish lets all that has no reply return at the end.
func (r *recorder) finish() []porcupine.Event {
	for process := range r.pending {
		r.reply(process, output{})
	}
	return r.events
}

type line struct {
	Process int             `json:"process"`
	Type    string          `json:"type"`
	F       string          `json:"f"`
	Key     string          `json:"key"`
	Value   json.RawMessage `json:"value"`
}

// The numbers of values that are no numbers.
type names map[string]int

func (n names) of(text string) int {
	if text == "" || text == "null" {
		return nothing
	}
	if value, err := strconv.Atoi(text); err == nil {
		return value
	}
	value, known := n[text]
	if !known {
		value = len(n) + 1
		n[text] = value
	}
	return value
}

func (n names) steps(raw json.RawMessage) []step {
	var rows [][]json.RawMessage
	must(json.Unmarshal(raw, &rows))
	steps := make([]step, len(rows))
	for place, row := range rows {
		steps[place] = step{string(row[0]) == `"w"`, n.of("register" + string(row[1])), n.of(string(row[2]))}
	}
	return steps
}

func (n names) asked(one line) input {
	call := input{f: one.F, key: one.Key, to: nothing}
	switch {
	case one.F == "cas":
		var both [2]int
		must(json.Unmarshal(one.Value, &both))
		call.from, call.to = both[0], both[1]
	case one.F == "txn":
		call.steps = n.steps(one.Value)
	case len(one.Value) == 0:
	case one.F == "put" || one.F == "append":
		must(json.Unmarshal(one.Value, &call.text))
	default:
		call.to = n.of(string(one.Value))
	}
	return call
}

func (n names) answered(one line) output {
	reply := output{known: true, value: nothing, no: string(one.Value) == "false", yes: string(one.Value) == "true"}
	switch {
	case one.F == "cas" || reply.no || reply.yes || len(one.Value) == 0:
	case one.F == "txn":
		reply.steps = n.steps(one.Value)
	case one.Value[0] == '[':
		must(json.Unmarshal(one.Value, &reply.members))
		slices.Sort(reply.members)
	case one.F == "get":
		must(json.Unmarshal(one.Value, &reply.text))
	case one.F == "put" || one.F == "append":
	default:
		reply.value = n.of(string(one.Value))
	}
	return reply
}

// readLines reads one event a line, as Ackproof records them. What failed is left out.
func readLines(file *os.File) []porcupine.Event {
	var lines []line
	failed := make(map[int]bool) // places of invocations that failed
	begun := make(map[int]int)
	decoder := json.NewDecoder(bufio.NewReaderSize(file, 1<<16))
	for decoder.More() {
		var one line
		must(decoder.Decode(&one))
		if one.Type == "invoke" {
			begun[one.Process] = len(lines)
		} else if one.Type == "fail" {
			failed[begun[one.Process]] = true
		}
		lines = append(lines, one)
	}
	recorder := recorder{pending: make(map[int]int)}
	known := make(names)
	for place, one := range lines {
		switch {
		case one.Type == "invoke" && !failed[place]:
			recorder.call(one.Process, known.asked(one))
		case one.Type == "ok":
			recorder.reply(one.Process, known.answered(one))
		}
	}
	return recorder.finish()
}

func readText(file *os.File, isLog bool) []porcupine.Event {
	recorder := recorder{pending: make(map[int]int)}
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		var call input
		var m []string
		reply := output{known: true}
		if isLog {
			if m = logLine.FindStringSubmatch(scanner.Text()); m == nil {
				continue
			}
			call.f = m[3]
			reply.no, reply.known = m[2] == "fail", m[4] != ":timed-out"
			if p := pair.FindStringSubmatch(m[4]); p != nil {
				call.from, call.to = number(p[1]), number(p[2])
			} else {
				call.to, reply.value = number(m[4]), number(m[4])
			}
		} else {
			if m = ednLine.FindStringSubmatch(scanner.Text()); m == nil {
				continue
			}
			call = input{f: m[3], key: m[4], text: m[5]}
			reply.text = m[5]
		}
		if m[2] == "invoke" {
			recorder.call(number(m[1]), call)
		} else {
			recorder.reply(number(m[1]), reply)
		}
	}
	must(scanner.Err())
	return recorder.finish()
}

// read reads a history by the ending of its name: .jsonl is Ackproof's form, .log a Jepsen log, any other an
// EDN log of a key-value store.
func read(name string) []porcupine.Event {
	file, err := os.Open(name)
	must(err)
	defer file.Close()
	if strings.HasSuffix(name, ".jsonl") {
		return readLines(file)
	}
	return readText(file, strings.HasSuffix(name, ".log"))
}
