// Times Porcupine on recorded histories: one JSON line a file, reading and judging apart.
//
//	porcupine REPEATS TIMEOUT_SECONDS MODEL FILE [MODEL FILE]...
//
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
	repeats, timeout := number(os.Args[1]), time.Duration(number(os.Args[2]))*time.Second
	out := json.NewEncoder(os.Stdout)
	for place := 3; place+1 < len(os.Args); place += 2 {
		model, name := models[os.Args[place]], os.Args[place+1]
		begun := processor()
		events := read(name)
		reading := processor() - begun
		best, bestProcessor := time.Duration(1<<62), time.Duration(1<<62)
		var verdict porcupine.CheckResult
		for i := 0; i < repeats && (i == 0 || best < time.Second); i++ {
			begun, begunProcessor := time.Now(), processor()
			verdict = porcupine.CheckEventsTimeout(model, events, timeout)
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
