package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// event is one line of `go test -json` (`go doc test2json`).
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64 // seconds
}

// test identifies a test, or a package if the name is empty.
type test struct {
	pkg, name string
}

// summary reads the events of a run, prints the output of failures and counts tests, including subtests. If a package
// fails without a failed test, because it does not build or leaks goroutines, that counts as one failure.
type summary struct {
	out     io.Writer
	outputs map[test]*strings.Builder // output so far, of tests and packages

	passed, failed, skipped int
	failedIn                map[string]int // failed tests of a package
	failures, skips         []string       // for the list at the end
}

func newSummary(out io.Writer) *summary {
	return &summary{out: out, outputs: map[test]*strings.Builder{}, failedIn: map[string]int{}}
}

// read handles events until the end of r.
func (s *summary) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			s.handle(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading go test's events: %w", err)
		}
	}
}

func (s *summary) handle(line []byte) {
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		fmt.Fprintf(s.out, "%s", line) // not an event: output that did not go through go test
		return
	}

	of := test{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(s.out, e.Output)
	case "run", "output":
		s.addOutput(of, e.Output)
	case "pass", "fail", "skip":
		if of.name == "" {
			s.recordPackage(e)
		} else {
			s.recordTest(of, e.Action)
		}
	}
}

func (s *summary) addOutput(of test, output string) {
	if s.outputs[of] == nil {
		s.outputs[of] = &strings.Builder{}
	}
	s.outputs[of].WriteString(output)
}

// takeOutput returns and removes the output of a test or package.
func (s *summary) takeOutput(of test) string {
	output := s.outputs[of]
	delete(s.outputs, of)
	if output == nil {
		return ""
	}
	return output.String()
}

func (s *summary) recordTest(of test, action string) {
	output := s.takeOutput(of)
	switch action {
	case "pass":
		s.passed++
	case "skip":
		s.skipped++
		s.skips = append(s.skips, fmt.Sprintf("%s %s", of.pkg, of.name))
	case "fail":
		s.failed++
		s.failedIn[of.pkg]++
		s.failures = append(s.failures, fmt.Sprintf("%s %s", of.pkg, of.name))
		fmt.Fprint(s.out, output)
	}
}

func (s *summary) recordPackage(e event) {
	output := s.takeOutput(test{pkg: e.Package})
	if e.Action == "pass" {
		fmt.Fprintf(s.out, "ok    %-60s %6.1fs\n", e.Package, e.Elapsed)
	}
	if e.Action != "fail" {
		return
	}

	// A test that has started and not ended has ended the process.
	for _, unfinished := range s.unfinished(e.Package) {
		s.recordTest(unfinished, "fail")
	}
	fmt.Fprint(s.out, output)
	if s.failedIn[e.Package] == 0 {
		s.failed++
		s.failures = append(s.failures, e.Package)
	}
}

func (s *summary) unfinished(pkg string) []test {
	var tests []test
	for of := range maps.Keys(s.outputs) {
		if of.pkg == pkg {
			tests = append(tests, of)
		}
	}
	slices.SortFunc(tests, func(a, b test) int { return strings.Compare(a.name, b.name) })
	return tests
}

// printEnd prints the failed and skipped tests and the closing line.
func (s *summary) printEnd(took time.Duration) {
	for _, name := range s.failures {
		fmt.Fprintf(s.out, "failed   %s\n", name)
	}
	for _, name := range s.skips {
		fmt.Fprintf(s.out, "skipped  %s\n", name)
	}
	fmt.Fprintf(s.out, "%d passed, %d failed, %d skipped in %s\n",
		s.passed, s.failed, s.skipped, took.Round(100*time.Millisecond))
}
