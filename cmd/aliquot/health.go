package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/internal/settings"
)

// healthTimeout is how soon a process has to answer; who asks for its health gives up soon after.
const healthTimeout = 4 * time.Second

func newHealth() *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Ask the process beside this one whether it is alive",
		Long: `Asks for /healthz at ALIQUOT_METRICS, on this machine, and fails when nothing answers: the health check of a container, in which
there is no other program that could ask. Its settings are those of the process.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			set, err := settings.LoadProcess(os.Environ())
			if err != nil {
				return err
			}
			if set.MetricsAddr == "" {
				return errors.New("ALIQUOT_METRICS is not set: there is nowhere to ask")
			}
			return checkHealth(cmd.Context(), set.MetricsAddr)
		},
	}
}

// checkHealth asks a process that listens on an address of this machine, on every one of them included.
func checkHealth(ctx context.Context, listen string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("reading ALIQUOT_METRICS: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return fmt.Errorf("asking for health: %w", err)
	}
	resp, err := (&http.Client{}).Do(req)
	if err != nil {
		return fmt.Errorf("asking for health: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("asking for health: status %d", resp.StatusCode)
	}
	return nil
}
