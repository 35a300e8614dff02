package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/rollout"
	"github.com/aliquot-labs/aliquot/internal/settings"
)

// rolloutFlags are the flags of the rollout commands.
type rolloutFlags struct {
	deployment string
	output     outputFormat
	wait       time.Duration
	force      rollout.Force
}

func newRollout() *cobra.Command {
	r := &rolloutFlags{}
	cmd := &cobra.Command{
		Use:   "rollout",
		Short: "Choose the build of the workers that works on the orders",
		Long: `Chooses the build of the workers that works on the orders. An order is open for months, and each of its
steps is done by the build that is current at that time. docs/rollouts.md has the steps of a rollout.
Settings: docs/settings.md.`,
		Example: `  aliquot rollout show
  aliquot rollout set v1.4.0        # its workers are running, or are about to
  aliquot rollout ramp v1.4.0 10    # a tenth of the orders first
  aliquot rollout back              # to the previous build, or end the ramp`,
	}
	makeGroup(cmd)
	cmd.PersistentFlags().StringVar(&r.deployment, "deployment", "",
		"name of the worker deployment (default ALIQUOT_DEPLOYMENT)")
	r.output.addFlag(cmd.PersistentFlags())
	cmd.AddCommand(newRolloutShow(r), newRolloutSet(r), newRolloutRamp(r), newRolloutBack(r), newRolloutRestart(r))
	return cmd
}

// addChangeFlags adds the flags of a command that changes the rollout: how long it waits for the build's workers, and
// which checks it skips.
func (r *rolloutFlags) addChangeFlags(cmd *cobra.Command) *cobra.Command {
	f := cmd.Flags()
	f.DurationVar(&r.wait, "wait", time.Minute, "how long to wait for the build's workers")
	f.BoolVar(&r.force.NoPollers, "allow-no-pollers", false, "even if no worker of the build has polled a task queue")
	f.BoolVar(&r.force.MissingQueues, "allow-missing-queues", false, "even if its workers do not serve every task queue")
	return cmd
}

// withDeployment connects to Temporal and calls do with the deployment.
func (r *rolloutFlags) withDeployment(cmd *cobra.Command, do func(*rollout.Deployment) error) error {
	if err := r.output.validate(); err != nil {
		return err
	}
	set, err := settings.LoadRollout(environWithFlags(cmd, map[string]string{"deployment": "ALIQUOT_DEPLOYMENT"}))
	if err != nil {
		return err
	}
	temporal, err := dialTemporalOnce(cmd.Context(), set.Temporal, telemetry{}, newLogger(cmd.ErrOrStderr(), set.Process))
	if err != nil {
		return err
	}
	defer temporal.Close()
	return do(rollout.Open(temporal, set.Temporal.Namespace, set.Deployment.Name))
}

func newRolloutShow(r *rolloutFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "show",
		Short: "Show the builds: their state, their workers, and the open orders that each worked on last",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.withDeployment(cmd, func(d *rollout.Deployment) error {
				status, err := d.Status(cmd.Context())
				if err != nil {
					return err
				}
				return r.printStatus(cmd, status)
			})
		},
	}
}

// unversioned is printed for a build without an id.
const unversioned = "(unversioned)"

func printRollout(w io.Writer, s rollout.Status) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	writeRow(table, "BUILD", "STATE", "MADE", "WORKERS", "OPEN ORDERS", "OTHERS")
	for _, b := range s.Builds {
		state, made := b.State, ""
		if b.State == rollout.StateRamping {
			state += fmt.Sprintf(" %g %%", s.Percentage)
		}
		if !b.CreatedAt.IsZero() {
			made = formatTime(b.CreatedAt)
		}
		writeRow(table, firstNonEmpty(b.ID, unversioned), state, made, workerCounts(b), b.OpenOrders, b.OtherWorkflows)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, queue := range s.UnservedQueues {
		fmt.Fprintf(w, "No worker of the current build, %s, serves the queue %s: its tasks wait.\n",
			firstNonEmpty(s.Current, unversioned), queueName(queue))
	}
	return nil
}

// workerCounts returns a text with the number of workers of each queue.
func workerCounts(b rollout.Build) string {
	var parts []string
	for _, queue := range dispatch.QueueNames() {
		if n := b.Workers[queue]; n > 0 {
			parts = append(parts, queueName(queue)+" "+strconv.Itoa(n))
		}
	}
	return firstNonEmpty(strings.Join(parts, ", "), "none")
}

func queueName(queue string) string {
	for _, name := range []string{settings.QueueOrders, settings.QueueLabs, settings.QueueDeliveries} {
		if taskQueues[name] == queue {
			return name
		}
	}
	return queue
}

// checkBuildArgument refuses a first argument that is not a valid build id.
func checkBuildArgument(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if err := settings.CheckBuildID(args[0]); err != nil {
		return fmt.Errorf("the build id %q %w", args[0], err)
	}
	return nil
}

func newRolloutSet(r *rolloutFlags) *cobra.Command {
	var plain bool
	cmd := &cobra.Command{
		Use:   "set BUILD",
		Short: "Make a build current: it does the next steps of all orders",
		Args:  cobra.MatchAll(cobra.MaximumNArgs(1), checkBuildArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			if plain == (len(args) == 1) {
				return errors.New("name a build, or give --unversioned")
			}
			build := firstNonEmpty(args...)
			return r.withDeployment(cmd, func(d *rollout.Deployment) error {
				if err := d.SetCurrent(cmd.Context(), build, r.wait, r.force); err != nil {
					return err
				}
				return r.printCurrent(cmd, build, "is current")
			})
		},
	}
	cmd.Flags().BoolVar(&plain, "unversioned", false, "make workers without a build id work on the orders")
	return r.addChangeFlags(cmd)
}

func (r *rolloutFlags) printStatus(cmd *cobra.Command, s rollout.Status) error {
	return r.output.printValue(cmd.OutOrStdout(), s, func(w io.Writer) error { return printRollout(w, s) })
}

func (r *rolloutFlags) printRamping(cmd *cobra.Command, build string, percent float64) error {
	return r.output.printLine(cmd.OutOrStdout(), map[string]any{"ramping": build, "percentage": percent},
		"%s works on %g %% of the orders", build, percent)
}

func (r *rolloutFlags) printRestarted(cmd *cobra.Command, runs int) error {
	return r.output.printLine(cmd.OutOrStdout(), map[string]int{"runs": runs}, "Started %d runs again.", runs)
}

// printCurrent prints the build and words about it. In JSON, a build without an id is an empty string.
func (r *rolloutFlags) printCurrent(cmd *cobra.Command, build, words string) error {
	return r.output.printLine(cmd.OutOrStdout(), map[string]string{"current": build}, "%s %s",
		firstNonEmpty(build, unversioned), words)
}

func newRolloutRamp(r *rolloutFlags) *cobra.Command {
	return r.addChangeFlags(&cobra.Command{
		Use:   "ramp BUILD PERCENT",
		Short: "Make a build work on a part of the orders; 0 ends that",
		Args:  cobra.MatchAll(cobra.ExactArgs(2), checkBuildArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			percent, err := strconv.ParseFloat(strings.TrimSuffix(args[1], "%"), 32)
			if err != nil || percent < 0 || percent > 100 {
				return fmt.Errorf("%q is not a percentage between 0 and 100", args[1])
			}
			return r.withDeployment(cmd, func(d *rollout.Deployment) error {
				if err := d.Ramp(cmd.Context(), args[0], float32(percent), r.wait, r.force); err != nil {
					return err
				}
				return r.printRamping(cmd, args[0], percent)
			})
		},
	})
}

func newRolloutBack(r *rolloutFlags) *cobra.Command {
	return r.addChangeFlags(&cobra.Command{
		Use:   "back",
		Short: "End a ramp, or make the previous build current again if there is no ramp",
		Long: `Ends a ramp, or makes the previous build current again if there is no ramp. A run whose history the previous
build cannot replay waits and loses nothing; aliquot rollout restart starts a new run of it on the current
build.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.withDeployment(cmd, func(d *rollout.Deployment) error {
				build, err := d.Rollback(cmd.Context(), r.wait, r.force)
				if err != nil {
					return err
				}
				return r.printCurrent(cmd, build, "is current, alone")
			})
		},
	})
}

func newRolloutRestart(r *rolloutFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "restart BUILD",
		Short: "After rollout back: start new runs of a build's workflows on the current build",
		Long: `Starts a new run of every open workflow that BUILD worked on last. The new runs begin on the current build
with the state of their orders in the store, so nothing is lost. It needs workers of the current build, and
can be repeated.`,
		Example: `  aliquot rollout back
  aliquot rollout restart v1.4.0`,
		Args: cobra.MatchAll(cobra.ExactArgs(1), checkBuildArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.withDeployment(cmd, func(d *rollout.Deployment) error {
				n, err := d.Restart(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return r.printRestarted(cmd, n)
			})
		},
	}
}
