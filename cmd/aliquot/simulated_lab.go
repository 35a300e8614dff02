package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/internal/settings"
	"github.com/aliquot-labs/aliquot/labs/simlab"
)

func newSimulatedLab() *cobra.Command {
	return &cobra.Command{
		Use:   "sandbox",
		Short: "Run the simulated lab",
		Long:  "Runs the simulated lab (docs/sandbox.md). Its settings are environment variables: docs/settings.md.",
		Args:  cobra.NoArgs,
		RunE:  runSimulatedLab,
	}
}

func runSimulatedLab(cmd *cobra.Command, _ []string) error {
	ctx := cmd.Context()
	set, err := settings.LoadSimulatedLab(os.Environ())
	if err != nil {
		return err
	}
	logger := newLogger(cmd.ErrOrStderr(), set.Process)
	speed, err := simlab.ParseSpeed(set.Speed)
	if err != nil {
		return err
	}
	lab, err := simlab.New(simlab.Config{
		User: set.User, Token: set.Token.Reveal(), WebhookURL: set.WebhookURL, CourierURL: set.CourierURL,
		CourierSecret: set.CourierSecret.Reveal(), CourierAPIKey: set.CourierAPIKey.Reveal(),
		NeutralURL: set.NeutralURL, NeutralAccount: set.NeutralName, NeutralSecrets: settings.RevealAll(set.NeutralSecrets),
		Speed: speed, Manual: set.Mode == settings.LabModeManual, CancelCall: set.OffersCancelCall,
		Spacing: set.Spacing, Logger: logger,
	})
	if err != nil {
		return err
	}
	logger.InfoContext(ctx, "simulated lab started", "listen", set.Addr, "version", versionText())
	defer logger.InfoContext(ctx, "simulated lab stopped")
	// The lab is closed first, because that ends the connections that scripts hold open.
	go func() {
		<-ctx.Done()
		lab.Close()
	}()
	defer lab.Close()
	front := newHTTPServer(set.Addr, lab.Handler())
	front.WriteTimeout = 11 * time.Minute // a script may hold a connection for ten minutes
	return new(gracefulServer).serve(ctx, front, newMetricsServer(set.MetricsAddr, newRegistry(), alwaysReady))
}
