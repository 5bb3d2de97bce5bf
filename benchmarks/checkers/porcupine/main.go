// Times Porcupine on recorded histories: one JSON line a file, parsing excluded.
//
//	porcupine REPEATS TIMEOUT_SECONDS FILE...
//
// Files ending in .log are Jepsen logs of one compare-and-set register; all others are EDN logs of a
// key-value store with append. The models and the reading of the logs are those of Porcupine's own
// test-suite, so that what is timed is Porcupine as its authors time it. `against_porcupine.py` builds
// this against a checkout of Porcupine that it is given.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

const absent = -1000000

type input struct {
	f, key, value string
	from, to      int
}

type output struct {
	value     string
	number    int
	ok, known bool
}

var register = porcupine.Model{
	Init: func() interface{} { return absent },
	Step: func(state, in, out interface{}) (bool, interface{}) {
		now, call, reply := state.(int), in.(input), out.(output)
		switch call.f {
		case "read":
			return !reply.known || now == reply.number, state
		case "write":
			return true, call.to
		}
		if now == call.from {
			return !reply.known || reply.ok, call.to
		}
		return !reply.known || !reply.ok, state
	},
}

var keyValue = porcupine.Model{
	PartitionEvent: func(history []porcupine.Event) [][]porcupine.Event {
		byKey := make(map[string][]porcupine.Event)
		keyOf := make(map[int]string)
		for _, event := range history {
			if event.Kind == porcupine.CallEvent {
				keyOf[event.Id] = event.Value.(input).key
			}
			key := keyOf[event.Id]
			byKey[key] = append(byKey[key], event)
		}
		var parts [][]porcupine.Event
		for _, part := range byKey {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() interface{} { return "" },
	Step: func(state, in, out interface{}) (bool, interface{}) {
		call, reply := in.(input), out.(output)
		switch call.f {
		case "get":
			return !reply.known || reply.value == state.(string), state
		case "put":
			return true, call.value
		}
		return true, state.(string) + call.value
	},
	Hash: func(state interface{}) uint64 {
		h := fnv.New64a()
		h.Write([]byte(state.(string)))
		return h.Sum64()
	},
}

var (
	logLine = regexp.MustCompile(`^INFO\s+jepsen\.util\s+-\s+(\d+)\s+:(invoke|ok|fail)\s+:(read|write|cas)\s+(.*)$`)
	ednLine = regexp.MustCompile(`^{:process (\d+), :type :(invoke|ok), :f :(get|put|append), :key "(.*)", :value (?:nil|"(.*)")}$`)
	pair    = regexp.MustCompile(`^\[(\d+)\s+(\d+)\]$`)
)

func number(text string) int {
	if text == "nil" || text == ":timed-out" {
		return absent
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}

func read(name string) (porcupine.Model, []porcupine.Event) {
	file, err := os.Open(name)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	isLog := strings.HasSuffix(name, ".log")
	var events []porcupine.Event
	pending := make(map[int]int)
	calls := 0
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		var process int
		var kind string
		var call input
		var reply output
		if isLog {
			m := logLine.FindStringSubmatch(scanner.Text())
			if m == nil {
				continue
			}
			process, kind = number(m[1]), m[2]
			call.f = m[3]
			reply = output{ok: kind == "ok", known: m[4] != ":timed-out"}
			if p := pair.FindStringSubmatch(m[4]); p != nil {
				call.from, call.to = number(p[1]), number(p[2])
			} else {
				call.to, reply.number = number(m[4]), number(m[4])
			}
		} else {
			m := ednLine.FindStringSubmatch(scanner.Text())
			if m == nil {
				continue
			}
			process, kind = number(m[1]), m[2]
			call = input{f: m[3], key: m[4], value: m[5]}
			reply = output{value: m[5], known: true}
		}
		if kind == "invoke" {
			events = append(events, porcupine.Event{ClientId: process, Kind: porcupine.CallEvent, Value: call, Id: calls})
			pending[process] = calls
			calls++
		} else {
			events = append(events, porcupine.Event{ClientId: process, Kind: porcupine.ReturnEvent, Value: reply, Id: pending[process]})
			delete(pending, process)
		}
	}
	for process, id := range pending {
		events = append(events, porcupine.Event{ClientId: process, Kind: porcupine.ReturnEvent, Value: output{}, Id: id})
	}
	if isLog {
		return register, events
	}
	return keyValue, events
}

func main() {
	repeats, timeout := number(os.Args[1]), time.Duration(number(os.Args[2]))*time.Second
	out := json.NewEncoder(os.Stdout)
	for _, name := range os.Args[3:] {
		model, events := read(name)
		best := time.Duration(1 << 62)
		var verdict porcupine.CheckResult
		for i := 0; i < repeats && (i == 0 || best < time.Second); i++ {
			begun := time.Now()
			verdict = porcupine.CheckEventsTimeout(model, events, timeout)
			best = min(best, time.Since(begun))
		}
		words := map[porcupine.CheckResult]string{porcupine.Ok: "valid", porcupine.Illegal: "invalid", porcupine.Unknown: "unknown"}
		if err := out.Encode(map[string]any{"file": name, "verdict": words[verdict], "seconds": best.Seconds()}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
