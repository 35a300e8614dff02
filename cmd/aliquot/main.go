// Command aliquot is all of Aliquot in one program: the API, the workers, the simulated lab, a development system that runs all of
// them, and the administrative commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/internal/apiclient"
	"github.com/aliquot-labs/aliquot/internal/rollout"
	"github.com/aliquot-labs/aliquot/internal/settings"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	cmd, err := newRoot().ExecuteContextC(ctx)
	if err != nil && !isRequestedStop(cmd, err) {
		fmt.Fprintln(os.Stderr, "aliquot: "+err.Error()+hintFor(err))
		os.Exit(1)
	}
}

// isRequestedStop reports whether a process that runs until it is told to stop has been told so. Other commands that are told to stop have not
// done what they were for, which whoever goes on after them has to know: a deploy script, a job of Kubernetes.
func isRequestedStop(cmd *cobra.Command, err error) bool {
	return cmd.GroupID == groupRun && cmd.Context().Err() != nil && errors.Is(err, context.Canceled)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "aliquot",
		Short:         "Runs lab-test orders",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	makeGroup(root)
	root.AddGroup(
		&cobra.Group{ID: groupRun, Title: "Run:"},
		&cobra.Group{ID: groupAdmin, Title: "Administer a running system, through its API:"},
		&cobra.Group{ID: groupStore, Title: "Work on the database and Temporal directly:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add(groupRun, newDev(), newAPI(), newWorker(), newSimulatedLab())
	add(groupAdmin, newOrder(), newEndpoint(), newMessage(), newTeam(), newLabAccount(), newCatalogue(), newInbox(),
		newKey(), newAudit())
	add(groupStore, newMigrate(), newBootstrap(), newRebuild(), newRollout())
	root.AddCommand(newVersion(), newHealth())
	addExamples(root)
	return root
}

const (
	groupRun   = "run"
	groupAdmin = "admin"
	groupStore = "store"
)

// makeGroup makes a command that only holds others show its help, and refuse others than those.
func makeGroup(cmd *cobra.Command) {
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

// requireFlag makes a flag, which has to be defined, one that must be given.
func requireFlag(cmd *cobra.Command, flag string) {
	if err := cmd.MarkFlagRequired(flag); err != nil {
		panic(err)
	}
}

// hintFor says what to do about an error, where that is not plain.
func hintFor(err error) string {
	var refused *apiclient.APIError
	var unreachable *apiclient.UnreachableError
	var unknown *rollout.UnknownError
	var missing *rollout.MissingQueuesError
	switch {
	case errors.Is(err, context.Canceled):
		return "\n  It was told to stop before it was done. Run it again."
	case settings.VariableOf(err) == "ALIQUOT_ENCRYPTION_KEYS":
		return "\n  Make a key with aliquot key new-encryption and keep it safe: patient data is sealed with it (docs/security.md)."
	case settings.VariableOf(err) != "":
		return "\n  docs/settings.md says what every variable is for."
	case sqldb.IsMissingSchema(err):
		return "\n  The database has no schema, or an old one: run aliquot migrate."
	case errors.Is(err, errTemporalUnreachable):
		return "\n  Is it running? ALIQUOT_TEMPORAL says where it is."
	case errors.As(err, &unknown):
		return "\n  Start its workers (aliquot worker --build-id " + firstNonEmpty(unknown.BuildID, "BUILD") +
			") and wait for them with --wait, or go without them with --allow-no-pollers."
	case errors.As(err, &missing):
		return "\n  Start workers for every queue (aliquot rollout show lists them), or go without with --allow-missing-queues."
	case errors.Is(err, rollout.ErrNoPrevious):
		return "\n  Say which build to go back to: aliquot rollout set BUILD (aliquot rollout show lists them)."
	case errors.As(err, &unreachable):
		return "\n  Is it running? Start it with aliquot dev, or say where it is with --api or --data."
	case errors.As(err, &refused) && refused.Status == 401:
		return "\n  Give a valid operations key with --key or ALIQUOT_OPS_KEY."
	case errors.As(err, &refused) && refused.Status == 403:
		return "\n  The key must have another role: docs/security.md says which may do what."
	case errors.As(err, &refused) && refused.Status == 404:
		return "\n  Is the id right? aliquot order list shows the orders; endpoint, key, message and team have a list too."
	case errors.As(err, &refused) && refused.Status == 422:
		return "\n  See the command's --help for what it takes."
	case errors.As(err, &refused) && refused.Status == 503:
		return "\n  Nothing is lost. Try again in a moment."
	case isUsageError(err):
		return "\n  See the command's --help for what it takes."
	}
	return ""
}

// isUsageError reports whether the command line itself is wrong, which cobra says in words only.
func isUsageError(err error) bool {
	for _, of := range []string{"unknown flag", "unknown shorthand", "unknown command", "arg(s)", "required flag(s)",
		"invalid argument"} {
		if strings.Contains(err.Error(), of) {
			return true
		}
	}
	return false
}
