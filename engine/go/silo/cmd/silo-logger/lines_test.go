package main

import (
	"strings"
	"testing"
	"time"
)

const stamp = "2026-11-23T10:00:00.000000000Z"

var moment = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func expect(t *testing.T, held string, all bool, left string, want ...string) {
	t.Helper()
	text := ""
	for _, line := range want {
		text += stamp + " stdout " + line + "\n"
	}
	records, used := split(nil, moment, "stdout", []byte(held), all)
	if string(records) != text || held[used:] != left {
		t.Fatalf("got %q and %q, want %q", records, held[used:], text)
	}
}

func TestEveryLineIsARecord(t *testing.T) {
	expect(t, "one\n\ntwo\n", false, "", "F one", "F ", "F two")
}

func TestBeginningOfALineWaitsForItsEnd(t *testing.T) {
	expect(t, "one\ntw", false, "tw", "F one")
	expect(t, "tw", false, "tw")
	expect(t, "two\n", false, "", "F two")
}

func TestLineThatPausesIsAPiece(t *testing.T) {
	expect(t, "one\nname? ", true, "", "F one", "P name? ")
	expect(t, "", true, "")
}

func TestLongLineIsCutIntoPieces(t *testing.T) {
	piece := strings.Repeat("x", maxPiece)
	expect(t, piece+piece+"end\nnext\n", false, "", "P "+piece, "P "+piece, "F end", "F next")
	expect(t, piece+"\n", false, "", "F "+piece)
	expect(t, piece+piece, false, piece, "P "+piece)
}

func TestTimesAreInUTC(t *testing.T) {
	elsewhere := time.Date(2026, 11, 23, 11, 0, 0, 5, time.FixedZone("elsewhere", 3600))
	records, _ := split(nil, elsewhere, "stderr", []byte("a\n"), false)
	if string(records) != "2026-11-23T10:00:00.000000005Z stderr F a\n" {
		t.Fatal(string(records))
	}
}
