// Command aliquot is Aliquot in one program: the API, the workers, the simulated lab, a development system that runs
// all of them, and the administrative commands.
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

// isRequestedStop reports whether the error of a process that runs until it is stopped is just that stop. Any other
// command that is stopped has not finished, and has to fail, so that a deploy script or a Kubernetes job does not
// continue.
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
	add(groupAdmin, newOrder(), newEndpoint(), newMessage(), newTeam(), newLabAccount(), newCourierAccount(),
		newCatalogue(), newInbox(), newKey(), newAudit())
	add(groupStore, newMigrate(), newBackfill(), newBootstrap(), newRebuild(), newRollout())
	root.AddCommand(newVersion(), newHealth())
	addExamples(root)
	return root
}

const (
	groupRun   = "run"
	groupAdmin = "admin"
	groupStore = "store"
)

// makeGroup makes a command with subcommands print its help, and refuse unknown subcommands.
func makeGroup(cmd *cobra.Command) {
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

// requireFlag makes a defined flag of the command required.
func requireFlag(cmd *cobra.Command, flag string) {
	if err := cmd.MarkFlagRequired(flag); err != nil {
		panic(err)
	}
}

// hintFor returns what can be done about an error; empty: the error says it.
func hintFor(err error) string {
	var refused *apiclient.APIError
	var unreachable *apiclient.UnreachableError
	var unknown *rollout.UnknownError
	var missing *rollout.MissingQueuesError
	switch {
	case errors.Is(err, context.Canceled):
		return "\n  It was stopped before it had finished. Run it again."
	case settings.VariableOf(err) == "ALIQUOT_ENCRYPTION_KEYS":
		return "\n  Create a key with aliquot key new-encryption and store it safely: " +
			"patient data is sealed with it (docs/security.md)."
	case settings.VariableOf(err) != "":
		return "\n  docs/settings.md describes every variable."
	case errors.Is(err, sqldb.ErrUnusableFile):
		return "\n  ALIQUOT_DATABASE_URL names the file. " +
			"Its default, sqlite:.aliquot/aliquot.db, is below the working folder."
	case sqldb.IsMissingSchema(err):
		return "\n  The database has no schema, or an old one: run aliquot migrate."
	case errors.Is(err, errTemporalUnreachable):
		return "\n  Is Temporal running? ALIQUOT_TEMPORAL is its address."
	case errors.As(err, &unknown):
		return "\n  Start its workers (aliquot worker --build-id " + firstNonEmpty(unknown.BuildID, "BUILD") +
			") and wait for them with --wait, or continue without them with --allow-no-pollers."
	case errors.As(err, &missing):
		return "\n  Start workers for every queue (aliquot rollout show lists them), " +
			"or continue without them with --allow-missing-queues."
	case errors.Is(err, rollout.ErrNoPrevious):
		return "\n  Choose a build with aliquot rollout set BUILD (aliquot rollout show lists them)."
	case errors.As(err, &unreachable):
		return "\n  Is it running? Start it with aliquot dev, or name another system with --api or --data."
	case errors.Is(err, errMalformedKey):
		return "\n  Copy the whole key, and nothing else, into the file of --key-file or into ALIQUOT_OPS_KEY."
	case errors.As(err, &refused) && refused.Status == 401:
		return "\n  Give a valid API key with the role operations with --key-file, --key or ALIQUOT_OPS_KEY. It begins " +
			"with sk_us_ or pk_us_."
	case errors.As(err, &refused) && refused.Status == 403:
		return "\n  The API key needs another role: docs/security.md has the rights of every role."
	case errors.As(err, &refused) && refused.Status == 404:
		return "\n  Is the id right? aliquot order list shows the orders; " +
			"endpoint, key, message and team have list commands as well."
	case errors.As(err, &refused) && refused.Status == 422:
		return "\n  The command's --help describes its arguments and flags."
	case errors.As(err, &refused) && refused.Status == 503:
		return "\n  Nothing was changed or lost. Try again in a moment."
	case isUsageError(err):
		return "\n  The command's --help describes its arguments and flags."
	}
	return ""
}

// isUsageError reports whether the error is about the command line. Cobra has no types for such errors, only texts.
func isUsageError(err error) bool {
	for _, of := range []string{"unknown flag", "unknown shorthand", "unknown command", "arg(s)", "required flag(s)",
		"invalid argument", "is not an id"} {
		if strings.Contains(err.Error(), of) {
			return true
		}
	}
	return false
}
