// Command testrun starts a PostgreSQL server and runs `go test` with the given arguments on it. It prints the full
// output of what failed, and at the end the numbers of tests that passed, failed and were skipped. Its exit status is
// that of `go test`. Packages before the argument --then are tested alone, and those after it when they are done.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	status, err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testrun:", err)
	}
	os.Exit(status)
}

func run(ctx context.Context, args []string, out io.Writer) (status int, err error) {
	parts, err := splitParts(ctx, args)
	if err != nil {
		return 1, err
	}
	if os.Getenv(postgrestest.ServerVariable) != "" {
		return goTest(ctx, "", parts, os.Environ(), out)
	}
	server, err := postgrestest.Start(ctx)
	if err != nil {
		return 1, fmt.Errorf("starting PostgreSQL: %w", err)
	}
	env := append(os.Environ(), postgrestest.ServerVariable+"="+server.URL)
	status, err = goTest(ctx, "", parts, env, out)
	return status, errors.Join(err, server.Stop())
}

// then separates packages that are tested alone from those that are tested after them.
const then = "--then"

// splitParts returns the arguments of each run of go test. Every argument that begins with a hyphen goes to all runs.
// Packages before "--then" are tested alone, and are left out of the runs after it.
func splitParts(ctx context.Context, args []string) (parts [][]string, err error) {
	var flags []string
	packages := [][]string{nil}
	for _, arg := range args {
		switch {
		case arg == then:
			packages = append(packages, nil)
		case strings.HasPrefix(arg, "-"):
			flags = append(flags, arg)
		default:
			packages[len(packages)-1] = append(packages[len(packages)-1], arg)
		}
	}
	if len(packages) == 1 {
		return [][]string{args}, nil
	}
	var tested []string
	for _, patterns := range packages {
		listed, err := exec.CommandContext(ctx, "go", append([]string{"list"}, patterns...)...).Output()
		if err != nil {
			return nil, fmt.Errorf("listing the packages %v: %w", patterns, err)
		}
		part := slices.DeleteFunc(strings.Fields(string(listed)), func(p string) bool { return slices.Contains(tested, p) })
		if len(part) == 0 {
			continue
		}
		tested = append(tested, part...)
		parts = append(parts, append(slices.Clone(flags), part...))
	}
	return parts, nil
}

// goTest runs `go test -json` in the directory ("" is the current one) with the arguments of each part in turn, and
// prints one summary of all. The status is not zero if a test failed or a run was not completed.
func goTest(ctx context.Context, dir string, parts [][]string, env []string, out io.Writer) (status int, err error) {
	start := time.Now()
	s := newSummary(out)
	for _, args := range parts {
		partStatus, partErr := s.runPart(ctx, dir, args, env)
		status, err = max(status, partStatus), errors.Join(err, partErr)
	}
	s.printEnd(time.Since(start))
	return status, err
}

// runPart runs go test once and adds what it reports to the summary.
func (s *summary) runPart(ctx context.Context, dir string, args, env []string) (status int, err error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	cmd.Dir = dir
	cmd.Env = env
	cmd.Stderr = os.Stderr
	// After an interrupt, go test ends its children, and test servers end with them.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	events, err := cmd.StdoutPipe()
	if err != nil {
		return 1, fmt.Errorf("reading go test: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("starting go test: %w", err)
	}
	readErr := s.read(events)
	err = cmd.Wait()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return max(1, exit.ExitCode()), readErr
	}
	if err := errors.Join(readErr, err); err != nil {
		return 1, err
	}
	return 0, nil
}
