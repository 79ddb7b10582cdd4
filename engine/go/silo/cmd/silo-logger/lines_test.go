package main

import (
	"strings"
	"testing"
	"time"
)

const stamp = "2026-11-23T10:00:00.000000000Z"

func makeLines() *lines {
	return newLines("stdout", func() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) })
}

func expect(t *testing.T, got []byte, want ...string) {
	t.Helper()
	text := ""
	for _, line := range want {
		text += stamp + " stdout " + line + "\n"
	}
	if string(got) != text {
		t.Fatalf("got %q, want %q", got, text)
	}
}

func TestEveryLineIsARecord(t *testing.T) {
	expect(t, makeLines().Add([]byte("one\n\ntwo\n")), "F one", "F ", "F two")
}

func TestLineThatArrivesInPiecesIsOneRecord(t *testing.T) {
	l := makeLines()
	expect(t, l.Add([]byte("on")))
	expect(t, l.Add([]byte("e\ntw")), "F one")
	expect(t, l.Flush(), "P tw")
	expect(t, l.Flush())
}

func TestLineThatGoesOnAfterAPauseIsTwoRecords(t *testing.T) {
	l := makeLines()
	expect(t, l.Add([]byte("name? ")))
	expect(t, l.Flush(), "P name? ")
	expect(t, l.Add([]byte("me\n")), "F me")
}

func TestLongLineIsCutIntoPieces(t *testing.T) {
	l := makeLines()
	piece := strings.Repeat("x", maxPiece)
	expect(t, l.Add([]byte(piece+piece+"end\nnext\n")), "P "+piece, "P "+piece, "F end", "F next")
}

func TestEndlessLineIsNotKeptInMemory(t *testing.T) {
	l := makeLines()
	for range 100 {
		l.Add(make([]byte, 64<<10))
	}
	if len(l.rest) > maxPiece {
		t.Fatalf("%d bytes kept", len(l.rest))
	}
}

func TestTimesAreInUTC(t *testing.T) {
	zone := time.FixedZone("elsewhere", 3600)
	l := newLines("stderr", func() time.Time { return time.Date(2026, 11, 23, 11, 0, 0, 5, zone) })
	if got := string(l.Add([]byte("a\n"))); got != "2026-11-23T10:00:00.000000005Z stderr F a\n" {
		t.Fatal(got)
	}
}
