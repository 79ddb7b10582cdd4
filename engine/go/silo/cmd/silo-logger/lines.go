package main

import (
	"bytes"
	"time"
)

const (
	// maxPiece is how much of a line goes into one record, as in Kubernetes.
	maxPiece = 16 << 10
	// timeLayout always has nine digits, so that records sort as text.
	timeLayout = "2006-01-02T15:04:05.000000000Z07:00"
)

// split makes records of the CRI format from what a stream holds: TIME STREAM F TEXT, or P for a
// piece of a line that goes on in the next record. It returns how many bytes they stand for; what
// is left is the beginning of a line, unless all is to be told.
func split(records []byte, at time.Time, stream string, held []byte, all bool) ([]byte, int) {
	prefix := at.UTC().Format(timeLayout) + " " + stream + " "
	rest := held
	for {
		end := bytes.IndexByte(rest, '\n')
		line := rest
		if end >= 0 {
			line = rest[:end]
		}
		for len(line) > maxPiece {
			records = appendRecord(records, prefix, 'P', line[:maxPiece])
			line, rest = line[maxPiece:], rest[maxPiece:]
		}
		if end < 0 {
			break
		}
		records = appendRecord(records, prefix, 'F', line)
		rest = rest[len(line)+1:]
	}
	if all && len(rest) > 0 {
		records, rest = appendRecord(records, prefix, 'P', rest), nil
	}
	return records, len(held) - len(rest)
}

func appendRecord(records []byte, prefix string, tag byte, text []byte) []byte {
	records = append(records, prefix...)
	records = append(records, tag, ' ')
	records = append(records, text...)
	return append(records, '\n')
}
