// Command testrun starts a PostgreSQL server and runs `go test` with the given arguments on it. It prints the full
// output of what failed, and at the end the numbers of tests that passed, failed and were skipped. Its exit status is
// that of `go test`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
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
	if os.Getenv(postgrestest.ServerVariable) != "" {
		return goTest(ctx, "", args, os.Environ(), out)
	}
	server, err := postgrestest.Start(ctx)
	if err != nil {
		return 1, fmt.Errorf("starting PostgreSQL: %w", err)
	}
	env := append(os.Environ(), postgrestest.ServerVariable+"="+server.URL)
	status, err = goTest(ctx, "", args, env, out)
	return status, errors.Join(err, server.Stop())
}

// goTest runs `go test -json` in the directory ("" is the current one) and prints its summary. The status is not zero
// if a test failed or the run was not completed.
func goTest(ctx context.Context, dir string, args, env []string, out io.Writer) (status int, err error) {
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
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("starting go test: %w", err)
	}

	s := newSummary(out)
	readErr := s.read(events)
	err = cmd.Wait()
	s.printEnd(time.Since(start))
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return max(1, exit.ExitCode()), readErr
	}
	if err := errors.Join(readErr, err); err != nil {
		return 1, err
	}
	return 0, nil
}
