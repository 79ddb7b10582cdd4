package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// rotating is a file that gives way to a new one when it is full: PATH is the newest, PATH.1 the
// one before. It never holds much more than (files + 1) * limit bytes together.
type rotating struct {
	path  string
	limit int64
	files int

	file *os.File
	size int64
	// retiring is closed when the file before is safe; nobody waits for it.
	retiring chan struct{}
}

func openRotating(path string, limit int64, files int) *rotating {
	r := &rotating{path: path, limit: limit, files: files, retiring: make(chan struct{})}
	close(r.retiring)
	_ = r.open() // tried again with every record
	return r
}

// Write appends whole records; a file is never longer than the limit, one record excepted.
func (r *rotating) Write(records []byte) (int, error) {
	written := 0
	for len(records) > 0 {
		if err := r.makeRoom(); err != nil {
			return written, err
		}
		part := fitting(records, r.limit-r.size)
		count, err := r.file.Write(part)
		r.size += int64(count)
		written += count
		if err != nil {
			// A full disk: a piece of a record stands there now and must not spoil the next one.
			_ = r.file.Close()
			r.file = nil
			return written, err
		}
		records = records[len(part):]
	}
	return written, nil
}

// Close makes sure that what was said survives a power cut.
func (r *rotating) Close() error {
	if r.file == nil {
		return nil
	}
	file := r.file
	r.file = nil
	if err := file.Sync(); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

// fitting returns the records that fit, at least one.
func fitting(records []byte, room int64) []byte {
	if int64(len(records)) <= room {
		return records
	}
	end := bytes.LastIndexByte(records[:max(room, 0)], '\n')
	if end < 0 {
		end = bytes.IndexByte(records, '\n')
	}
	return records[:end+1]
}

func (r *rotating) makeRoom() error {
	if r.file == nil {
		if err := r.open(); err != nil {
			return err
		}
	}
	if r.size < r.limit {
		return nil
	}
	r.retire()
	for number := r.files; number > 0; number-- {
		older := fmt.Sprintf("%s.%d", r.path, number)
		newer := r.path
		if number > 1 {
			newer = fmt.Sprintf("%s.%d", r.path, number-1)
		}
		if err := os.Rename(newer, older); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	if r.files == 0 {
		if err := os.Remove(r.path); err != nil {
			return err
		}
	}
	return r.open()
}

// retire lets a full file reach the disk while others speak. Of a log that fills faster than that,
// the kernel takes care in its own time.
func (r *rotating) retire() {
	file := r.file
	r.file = nil
	select {
	case <-r.retiring:
	default:
		_ = file.Close()
		return
	}
	done := make(chan struct{})
	r.retiring = done
	go func() {
		_ = file.Sync()
		_ = file.Close()
		close(done)
	}()
}

func (r *rotating) open() error {
	file, err := os.OpenFile(r.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	size, err := endAtNewline(file)
	if err != nil {
		_ = file.Close()
		return err
	}
	r.file, r.size = file, size
	return nil
}

// endAtNewline cuts off the piece of a record that a power cut or a full disk left.
func endAtNewline(file *os.File) (int64, error) {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return size, err
	}
	block := make([]byte, min(size, 2*maxPiece))
	start := size - int64(len(block))
	if _, err := file.ReadAt(block, start); err != nil {
		return size, err
	}
	end := start + int64(bytes.LastIndexByte(block, '\n')) + 1
	if end == size {
		return size, nil
	}
	return end, file.Truncate(end)
}
