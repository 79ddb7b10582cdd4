// Probe is what runs in the containers of Silo's tests: a small static program that serves, asks,
// reads, writes, eats memory, tells what it sees of the machine, and tries to get out.
//
// Every answer is one JSON document (or one JSON line for each attempt) on standard output.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var commands = map[string]func(arguments []string){
	"allocate": allocate,
	"append":   appendLines,
	"ask":      ask,
	"echo":     echo,
	"escape":   escape,
	"exit":     exit,
	"facts":    facts,
	"fork":     fork,
	"http":     serveHTTP,
	"resolve":  resolve,
	"serve":    serve,
	"sleep":    sleep,
	"talk":     talk,
	"tick":     tick,
	"token":    token,
	"write":    write,
}

func main() {
	if len(os.Args) > 1 {
		if command, known := commands[os.Args[1]]; known {
			command(os.Args[2:])
			return
		}
	}
	names := make([]string, 0, len(commands))
	for name := range commands {
		names = append(names, name)
	}
	sort.Strings(names)
	fail("usage: probe %s", strings.Join(names, "|"))
}

// fail ends with a status that no other outcome has.
func fail(format string, values ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", values...)
	os.Exit(99)
}

func tell(document any) {
	if err := json.NewEncoder(os.Stdout).Encode(document); err != nil {
		fail("%v", err)
	}
}

func argument(arguments []string, index int, otherwise string) string {
	if index < len(arguments) {
		return arguments[index]
	}
	return otherwise
}

func number(arguments []string, index int, otherwise string) int {
	value, err := strconv.Atoi(argument(arguments, index, otherwise))
	if err != nil {
		fail("%v", err)
	}
	return value
}

// exit CODE [SECONDS]: end with this status, after so many seconds.
func exit(arguments []string) {
	seconds, _ := strconv.ParseFloat(argument(arguments, 1, "0"), 64)
	time.Sleep(time.Duration(seconds * float64(time.Second)))
	os.Exit(number(arguments, 0, "0"))
}

// sleep [SECONDS]: a day unless told; ends with 0 when asked to stop.
func sleep(arguments []string) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM, syscall.SIGINT)
	select {
	case <-asked:
	case <-time.After(time.Duration(number(arguments, 0, "86400")) * time.Second):
	}
}

// echo WORDS: say them, one line.
func echo(arguments []string) { fmt.Println(strings.Join(arguments, " ")) }

// tick [MILLISECONDS]: count lines on both streams until killed.
func tick(arguments []string) {
	pause := time.Duration(number(arguments, 0, "100")) * time.Millisecond
	for count := 1; ; count++ {
		fmt.Printf("tick %d\n", count)
		fmt.Fprintf(os.Stderr, "tock %d\n", count)
		time.Sleep(pause)
	}
}

// write PATH WORDS: make a file.
func write(arguments []string) {
	words := strings.Join(arguments[1:], " ")
	if err := os.WriteFile(arguments[0], []byte(words), 0o644); err != nil {
		fail("%v", err)
	}
	tell(map[string]any{"path": arguments[0], "bytes": len(words)})
}

// append PATH MILLISECONDS: count lines into a file, each on the disk before the next.
func appendLines(arguments []string) {
	file, err := os.OpenFile(arguments[0], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		fail("%v", err)
	}
	for count := 1; ; count++ {
		if _, err = fmt.Fprintln(file, count); err == nil {
			err = file.Sync()
		}
		if err != nil {
			fail("%v", err)
		}
		time.Sleep(time.Duration(number(arguments, 1, "100")) * time.Millisecond)
	}
}

// allocate MEBIBYTES [SECONDS]: touch so much memory, then sleep.
func allocate(arguments []string) {
	const mebibyte = 1 << 20
	var held [][]byte
	for count := 0; count < number(arguments, 0, "64"); count++ {
		block := make([]byte, mebibyte)
		for at := 0; at < mebibyte; at += 4096 {
			block[at] = byte(count + 1)
		}
		held = append(held, block)
	}
	tell(map[string]any{"mebibytes": len(held)})
	time.Sleep(time.Duration(number(arguments, 1, "0")) * time.Second)
}

// fork COUNT: start so many processes at once and tell how many could be.
func fork(arguments []string) {
	wanted, attributes := number(arguments, 0, "10"), os.ProcAttr{}
	var started []*os.Process
	refusal := ""
	for len(started) < wanted {
		process, err := os.StartProcess("/proc/self/exe", []string{"probe", "sleep"}, &attributes)
		if err != nil {
			refusal = err.Error()
			break
		}
		started = append(started, process)
	}
	for _, process := range started {
		_ = process.Kill()
		_, _ = process.Wait()
	}
	tell(map[string]any{"started": len(started), "refusal": refusal})
}
