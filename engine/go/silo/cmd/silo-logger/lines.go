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

// lines makes records of the CRI format from a stream: TIME STREAM F TEXT, or P for a piece of a
// line that goes on in the next record.
type lines struct {
	stream string
	now    func() time.Time
	rest   []byte
}

func newLines(stream string, now func() time.Time) *lines {
	return &lines{stream: stream, now: now}
}

// Add returns the records that are complete with these bytes.
func (l *lines) Add(data []byte) []byte {
	var records []byte
	prefix := l.prefix()
	for {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			break
		}
		l.rest = append(l.rest, data[:end]...)
		data = data[end+1:]
		records = l.cut(records, prefix)
		records = appendRecord(records, prefix, 'F', l.rest)
		l.rest = l.rest[:0]
	}
	l.rest = append(l.rest, data...)
	return l.cut(records, prefix)
}

// Pending tells whether a line has begun and not ended.
func (l *lines) Pending() bool {
	return len(l.rest) > 0
}

// Flush returns the record of a line that has not ended.
func (l *lines) Flush() []byte {
	if !l.Pending() {
		return nil
	}
	record := appendRecord(nil, l.prefix(), 'P', l.rest)
	l.rest = l.rest[:0]
	return record
}

// cut moves pieces of a line that is too long for one record.
func (l *lines) cut(records []byte, prefix string) []byte {
	for len(l.rest) > maxPiece {
		records = appendRecord(records, prefix, 'P', l.rest[:maxPiece])
		l.rest = append(l.rest[:0], l.rest[maxPiece:]...)
	}
	return records
}

func (l *lines) prefix() string {
	return l.now().UTC().Format(timeLayout) + " " + l.stream + " "
}

func appendRecord(records []byte, prefix string, tag byte, text []byte) []byte {
	records = append(records, prefix...)
	records = append(records, tag, ' ')
	records = append(records, text...)
	return append(records, '\n')
}
