package main

import (
	"hash/fnv"
	"slices"

	"github.com/anishathalye/porcupine"
)

// The data types, as a user of Porcupine would write them: small immutable states, a Hash for each, and one
// partition for each key.
//
// An operation whose outcome is unknown returns at the end of the history. There it must still have an order, so
// where it cannot happen it changes nothing: as if it never had.

const nothing = -1000000 // the number of no value

type step struct {
	writes   bool
	register int
	value    int
}

type input struct {
	f, key   string
	from, to int    // of a compare-and-set; any other argument is `to`
	text     string // of a text
	steps    []step
}

type output struct {
	value   int
	text    string
	members []int
	steps   []step
	no      bool // the reply is false
	yes     bool // the reply is true
	known   bool // there is a reply
}

func partitionByKey(history []porcupine.Event) [][]porcupine.Event {
	keyOf := make(map[int]int)
	partitionOf := make(map[string]int)
	var parts [][]porcupine.Event
	for _, event := range history {
		var part int
		if event.Kind == porcupine.CallEvent {
			key := event.Value.(input).key
			known, met := partitionOf[key]
			if !met {
				known = len(parts)
				partitionOf[key] = known
				parts = append(parts, nil)
			}
			part = known
			keyOf[event.Id] = part
		} else {
			part = keyOf[event.Id]
		}
		parts[part] = append(parts[part], event)
	}
	return parts
}

func mix(number uint64) uint64 {
	number ^= number >> 33
	number *= 0xff51afd7ed558ccd
	return number ^ number>>29
}

func hashOfNumber(state interface{}) uint64 { return mix(uint64(state.(int))) }

func hashOfNumbers(state interface{}) uint64 {
	hash := uint64(len(state.([]int)))
	for _, number := range state.([]int) {
		hash = mix(hash ^ uint64(number))
	}
	return hash
}

func equalNumbers(one, other interface{}) bool { return slices.Equal(one.([]int), other.([]int)) }

type stepFunction = func(state interface{}, call input, reply output) (bool, interface{})

func model(initial interface{}, step stepFunction, hash func(interface{}) uint64, equal func(a, b interface{}) bool) porcupine.Model {
	return porcupine.Model{
		PartitionEvent: partitionByKey,
		Init:           func() interface{} { return initial },
		Step: func(state, in, out interface{}) (bool, interface{}) {
			return step(state, in.(input), out.(output))
		},
		Hash:  hash,
		Equal: equal,
	}
}

func stepRegister(state interface{}, call input, reply output) (bool, interface{}) {
	switch call.f {
	case "read":
		return !reply.known || state.(int) == reply.value, state
	case "write":
		return true, call.to
	}
	if state.(int) == call.from {
		return !reply.no, call.to
	}
	return !reply.known || reply.no, state
}

func stepText(state interface{}, call input, reply output) (bool, interface{}) {
	switch call.f {
	case "get":
		return !reply.known || reply.text == state.(string), state
	case "put":
		return true, call.text
	}
	return true, state.(string) + call.text
}

func hashOfText(state interface{}) uint64 {
	h := fnv.New64a()
	h.Write([]byte(state.(string)))
	return h.Sum64()
}

func stepCounter(state interface{}, call input, reply output) (bool, interface{}) {
	if call.f == "add" {
		return true, state.(int) + call.to
	}
	return !reply.known || reply.value == state.(int), state
}

func stepMutex(state interface{}, call input, reply output) (bool, interface{}) {
	wants := call.f == "acquire"
	if state.(bool) == wants {
		return !reply.known, state
	}
	return true, wants
}

func hashOfMutex(state interface{}) uint64 {
	if state.(bool) {
		return 1
	}
	return 2
}

type fence struct{ greatest, holder int }

const someone = -2 // holds the lock with a token that no client knows

func stepFence(state interface{}, call input, reply output) (bool, interface{}) {
	now := state.(fence)
	switch call.f {
	case "acquire":
		if now.holder != nothing {
			return !reply.known, state
		}
		if !reply.known {
			return true, fence{now.greatest, someone}
		}
		return reply.value > now.greatest, fence{reply.value, reply.value}
	case "release":
		if now.holder != call.to {
			return !reply.known, state
		}
	}
	return true, fence{now.greatest, nothing}
}

func hashOfFence(state interface{}) uint64 {
	now := state.(fence)
	return mix(uint64(now.greatest)<<32 ^ uint64(now.holder))
}

func stepSet(state interface{}, call input, reply output) (bool, interface{}) {
	members := state.([]int)
	if call.f == "read" {
		return !reply.known || slices.Equal(members, reply.members), state
	}
	place, there := slices.BinarySearch(members, call.to)
	switch call.f {
	case "contains":
		return !reply.known || there == reply.yes, state
	case "add":
		if there {
			return !reply.yes, state
		}
		return !reply.no, slices.Insert(slices.Clone(members), place, call.to)
	}
	if !there {
		return !reply.yes, state
	}
	return !reply.no, slices.Delete(slices.Clone(members), place, place+1)
}

func stepQueue(state interface{}, call input, reply output) (bool, interface{}) {
	queue := state.([]int)
	if call.f == "enqueue" {
		return true, append(slices.Clip(queue), call.to)
	}
	if len(queue) == 0 {
		return !reply.known || reply.value == nothing, state
	}
	return !reply.known || reply.value == queue[0], queue[1:]
}

const mostRegisters = 8

type registers [mostRegisters]int

func noRegisters() registers {
	var all registers
	for place := range all {
		all[place] = nothing
	}
	return all
}

func stepRegisters(state interface{}, call input, reply output) (bool, interface{}) {
	now := state.(registers)
	steps := call.steps
	if reply.known {
		steps = reply.steps
	}
	for _, one := range steps {
		if one.writes {
			now[one.register] = one.value
		} else if reply.known && now[one.register] != one.value {
			return false, state
		}
	}
	return true, now
}

func hashOfRegisters(state interface{}) uint64 {
	hash := uint64(1)
	for _, value := range state.(registers) {
		hash = mix(hash ^ uint64(value))
	}
	return hash
}

func stepRegistry(state interface{}, call input, reply output) (bool, interface{}) {
	now := state.(int)
	switch call.f {
	case "lookup":
		return !reply.known || reply.value == now, state
	case "deregister":
		return !reply.known || reply.value == now, nothing
	case "update":
		if now == nothing {
			return !reply.known || reply.no, state
		}
		return !reply.no, call.to
	}
	return true, call.to
}

var models = map[string]porcupine.Model{
	"register":       model(nothing, stepRegister, hashOfNumber, nil),
	"cas-register":   model(nothing, stepRegister, hashOfNumber, nil),
	"multi-register": model(noRegisters(), stepRegisters, hashOfRegisters, nil),
	"kv-append":      model("", stepText, hashOfText, nil),
	"mutex":          model(false, stepMutex, hashOfMutex, nil),
	"fenced-lock":    model(fence{-1, nothing}, stepFence, hashOfFence, nil),
	"set":            model([]int(nil), stepSet, hashOfNumbers, equalNumbers),
	"queue":          model([]int(nil), stepQueue, hashOfNumbers, equalNumbers),
	"counter":        model(0, stepCounter, hashOfNumber, nil),
	"registry":       model(nothing, stepRegistry, hashOfNumber, nil),
}
