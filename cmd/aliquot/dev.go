package main

import (
	"fmt"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/internal/devsystem"
	"github.com/aliquot-labs/aliquot/internal/settings"
	"github.com/aliquot-labs/aliquot/labs/simlab"
)

func newDev() *cobra.Command {
	var o devsystem.Options
	var postgres secretFlag
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run everything on this machine, with a demonstration order",
		Long: `Runs Temporal (its development server), the API, two workers and the simulated lab as separate processes,
and restarts a process that ends. All data is in one folder and stays there for the next start. The folder
has dev.env (addresses and keys; a shell can source it), pids.json (process ids) and logs/.

A demonstration order is placed and followed until its results are there. Everything runs until Ctrl-C.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Lab != settings.LabModeAuto && o.Lab != settings.LabModeManual {
				return fmt.Errorf("--lab is %q, not auto or manual", o.Lab)
			}
			if _, err := simlab.ParseSpeed(o.Speed); err != nil {
				return fmt.Errorf("--speed: %w", err)
			}
			if o.Lab == settings.LabModeManual {
				o.NoDemo = true // without scripts the demonstration order would not move
			}
			var err error
			if o.Postgres, err = readPostgresURL(cmd, &postgres); err != nil {
				return err
			}
			o.Out = cmd.OutOrStdout()
			return devsystem.Run(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Data, "data", devsystem.DefaultData, "folder of all data, logs, dev.env and pids.json")
	postgres.addTo(f, "postgres", "URL of a PostgreSQL database to use instead of an SQLite file in the data folder")
	f.BoolVar(&o.NoDemo, "no-demo", false, "do not place a demonstration order, and do not run a receiver of webhooks")
	f.StringVar(&o.Speed, "speed", strconv.Itoa(simlab.DefaultSpeed),
		"simulated seconds per real second at the simulated lab, or max")
	f.StringVar(&o.Lab, "lab", settings.LabModeAuto,
		"auto: the simulated lab runs each order's script; manual: it sends only what control endpoints ask for "+
			"(implies --no-demo)")
	f.StringVar(&o.API, "api", "127.0.0.1:8080",
		"address of the API; port 0 is any free port, also for the other addresses")
	f.StringVar(&o.LabAddr, "lab-addr", "127.0.0.1:8090", "address of the simulated lab")
	f.StringVar(&o.Receiver, "receiver", "127.0.0.1:0", "address of the built-in receiver of webhooks")
	f.IntVar(&o.TemporalPort, "temporal-port", 7233, "port of Temporal on 127.0.0.1")
	f.IntVar(&o.UIPort, "ui-port", 8233, "port of the Temporal UI on 127.0.0.1")
	return cmd
}

// readPostgresURL returns the URL of the database. A URL without a password is no secret.
func readPostgresURL(cmd *cobra.Command, flag *secretFlag) (string, error) {
	if u, err := url.Parse(flag.value); err == nil && flag.file == "" {
		if _, secret := u.User.Password(); !secret && !u.Query().Has("password") {
			return flag.value, nil
		}
	}
	return flag.read(cmd)
}
