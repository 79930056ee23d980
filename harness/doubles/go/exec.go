package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// question is what an exec probe asks: whether a text is in one of some files.
type question struct {
	text  string
	files string
}

var asked = regexp.MustCompile(`^grep -qs "([^"]+)" (\S+)$`)

// probed returns the question of `sh -c 'grep -qs "TEXT" FILES'`, the form of the contracts' exec probes; else nil.
func probed(argv []string) *question {
	if len(argv) != 3 || filepath.Base(argv[0]) != "sh" || argv[1] != "-c" {
		return nil
	}
	parts := asked.FindStringSubmatch(argv[2])
	if parts == nil {
		return nil
	}
	return &question{parts[1], parts[2]}
}

func (q question) answer() error {
	files, err := filepath.Glob(q.files)
	if err != nil {
		return err
	}
	for _, path := range files {
		if content, err := os.ReadFile(path); err == nil && bytes.Contains(content, []byte(q.text)) {
			return nil
		}
	}
	return errors.New("not yet")
}

// log writes the file that the software writes and a probe reads: anew at the start, its sentence when it is ready.
func (d *Description) log(env map[string]string, ready bool) error {
	if d.Log == nil {
		return nil
	}
	flags := os.O_CREATE | os.O_TRUNC | os.O_WRONLY
	says := "starts"
	if ready {
		flags, says = os.O_APPEND|os.O_WRONLY, d.Log.Says
	}
	file, err := os.OpenFile(expand(d.Log.Path, env), flags, 0o644)
	if err != nil {
		return fmt.Errorf("does not start: its log cannot be written: %w", err)
	}
	defer file.Close()
	_, err = fmt.Fprintln(file, says)
	return err
}
