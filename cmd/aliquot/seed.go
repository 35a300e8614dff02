package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/internal/seed"
	"github.com/aliquot-labs/aliquot/store"
)

func newSeed() *cobra.Command {
	o := seed.Options{}
	var out output
	cmd := prints(&cobra.Command{
		Use:   "seed --orders N",
		Short: "Fill an empty database with generated orders, to measure with",
		Long: `Writes orders of 20 generated sandbox teams into a database that has none: two years of them, in every status, under names as
common and as rare as people's, sealed and hashed as real ones are. Nobody is told of them. It is for measuring on a database of its
own: workers on that database would go on with the orders that have not ended. Settings: docs/settings.md.`,
		Example: `  aliquot migrate && aliquot seed --orders 1000000`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd.Context(), func(db *store.Store) error { return fill(cmd, db, o, out) })
		},
	}, &out)
	f := cmd.Flags()
	f.IntVar(&o.Orders, "orders", 10_000, "how many orders")
	f.Uint64Var(&o.Seed, "seed", 1, "the same number makes the same orders")
	return cmd
}

// fillStep is how many orders lie between two lines of progress.
const fillStep = 100_000

func fill(cmd *cobra.Command, db *store.Store, o seed.Options, out output) error {
	if o.Orders < 1 {
		return fmt.Errorf("--orders is %d: give a number above 0", o.Orders)
	}
	began := time.Now()
	o.Progress = func(done int) {
		if done%fillStep == 0 {
			_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d\n", done, o.Orders) // progress is a courtesy
		}
	}
	teams, err := seed.Fill(cmd.Context(), db, o)
	if err != nil {
		return err
	}
	took := time.Since(began).Round(time.Second)
	return out.say(cmd.OutOrStdout(), map[string]any{"orders": o.Orders, "teams": len(teams), "seconds": took.Seconds(), "largest_team_id": teams[0].ID},
		"%d orders of %d teams in %s. The team with half of them: %s", o.Orders, len(teams), took, teams[0].ID)
}
