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

// healthTimeout is how long a process has to answer. Health checks of containers wait a little longer.
const healthTimeout = 4 * time.Second

func newHealth() *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Check that the process on this machine is alive",
		Long: `Requests /healthz at ALIQUOT_METRICS on this machine and fails without a good answer. It is the health check
of a container, whose image has no other program for it. Its settings are those of the process.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			set, err := settings.LoadProcess(os.Environ())
			if err != nil {
				return err
			}
			if set.MetricsAddr == "" {
				return errors.New("ALIQUOT_METRICS is not set, so the process has no health endpoint")
			}
			return checkHealth(cmd.Context(), set.MetricsAddr)
		},
	}
}

// checkHealth requests /healthz from the process that listens on an address of this machine. An unspecified address,
// such as 0.0.0.0, is called as localhost.
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
		return fmt.Errorf("checking health: %w", err)
	}
	resp, err := (&http.Client{}).Do(req)
	if err != nil {
		return fmt.Errorf("checking health: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("checking health: status %d", resp.StatusCode)
	}
	return nil
}
