// Times Porcupine on recorded histories: one JSON line a file, reading and judging apart.
//
//	porcupine QUESTION REPEATS TIMEOUT_SECONDS MODEL FILE [MODEL FILE]...
//
// The question is "answer", for CheckEventsTimeout, which ends with the first key that has no order, or
// "evidence", for CheckEventsVerbose, which also gathers how far each key can be ordered.
// A file is judged REPEATS times, or once if it takes longer than a second; the shortest time counts.
// The time of judging is also given as processor time of the process.
package main

import (
	"encoding/json"
	"os"
	"syscall"
	"time"

	"github.com/anishathalye/porcupine"
)

var words = map[porcupine.CheckResult]string{porcupine.Ok: "valid", porcupine.Illegal: "invalid", porcupine.Unknown: "unknown"}

// processor is the processor time that this process has taken.
func processor() time.Duration {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func main() {
	gathers := os.Args[1] == "evidence"
	repeats, timeout := number(os.Args[2]), time.Duration(number(os.Args[3]))*time.Second
	out := json.NewEncoder(os.Stdout)
	for place := 4; place+1 < len(os.Args); place += 2 {
		model, name := models[os.Args[place]], os.Args[place+1]
		begun := processor()
		events := read(name)
		reading := processor() - begun
		best, bestProcessor := time.Duration(1<<62), time.Duration(1<<62)
		var verdict porcupine.CheckResult
		for i := 0; i < repeats && (i == 0 || best < time.Second); i++ {
			begun, begunProcessor := time.Now(), processor()
			if gathers {
				verdict, _ = porcupine.CheckEventsVerbose(model, events, timeout)
			} else {
				verdict = porcupine.CheckEventsTimeout(model, events, timeout)
			}
			best = min(best, time.Since(begun))
			bestProcessor = min(bestProcessor, processor()-begunProcessor)
		}
		must(out.Encode(map[string]any{
			"file":              name,
			"verdict":           words[verdict],
			"seconds":           best.Seconds(),
			"processor_seconds": bestProcessor.Seconds(),
			"read_seconds":      reading.Seconds(),
		}))
	}
}
