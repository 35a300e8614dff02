package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/internal/settings"
	"github.com/aliquot-labs/aliquot/store"
)

func newMigrate() *cobra.Command {
	var out outputFormat
	return withOutputFlag(&cobra.Command{
		Use:   "migrate",
		Short: "Migrate the database to the present schema",
		Long: `Migrates the database to the present schema, while other processes read and write it, makes the partitions of
the coming weeks, writes how long partitions are kept into the database, and grants the roles
ALIQUOT_DATABASE_APP_ROLE and ALIQUOT_DATABASE_READ_ROLE what they need. It connects with
ALIQUOT_MIGRATION_DATABASE_URL, the role that owns the schema. It can be stopped and repeated, and run in several
processes at once. It has no time limit: the log says what it waits for. Settings: docs/settings.md.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			left, err := migrate(cmd.Context(), os.Environ())
			if err != nil {
				return err
			}
			text := "The schema is up to date."
			if len(left) > 0 {
				text += "\nRun aliquot backfill when no process of the release before runs: " + strings.Join(left, ", ")
			}
			return out.printLine(cmd.OutOrStdout(), migrateResult{UpToDate: true, UnfinishedBackfills: left}, "%s", text)
		},
	}, &out)
}

// migrateResult is the JSON form of what migrate has done.
type migrateResult struct {
	UpToDate            bool     `json:"up_to_date"`
	UnfinishedBackfills []string `json:"unfinished_backfills"`
}

func newBackfill() *cobra.Command {
	var out outputFormat
	return withOutputFlag(&cobra.Command{
		Use:   "backfill",
		Short: "Fill what the present schema has added in the rows that were there before",
		Long: `Fills what migrations have added in the rows that were there before, in small transactions beside the other
processes. It connects with ALIQUOT_MIGRATION_DATABASE_URL, as migrate does. Run it when no process of the
release before runs. It can be stopped and repeated: it continues where it stopped. A later migration that
relies on a back-fill finishes it first. Any other stays unfinished, and each aliquot migrate names it again.
Settings: docs/settings.md.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withOwnersStore(cmd.Context(), os.Environ(), func(db *store.Store, _ settings.Migrate) error {
				if err := db.Backfill(cmd.Context()); err != nil {
					return err
				}
				return out.printLine(cmd.OutOrStdout(), map[string]bool{"filled": true}, "All rows are filled.")
			})
		},
	}, &out)
}

// migrate migrates the database of the settings, and grants its roles what they need. It returns the names of the
// back-fills that are not finished.
func migrate(ctx context.Context, environ []string) (left []string, err error) {
	err = withOwnersStore(ctx, environ, func(db *store.Store, set settings.Migrate) error {
		if err := db.Migrate(ctx); err != nil {
			return err
		}
		if left, err = db.UnfinishedBackfills(ctx); err != nil {
			return err
		}
		keep := store.PartitionRetention{Messages: set.WebhookRetention, Audit: set.AuditRetention}
		if err := db.SetPartitionRetention(ctx, keep); err != nil {
			return err
		}
		return db.GrantRoles(ctx, store.DatabaseRoles{Application: set.ApplicationRole, Reading: set.ReadRole})
	})
	return left, err
}

// withOwnersStore opens the store with the role that owns the schema, calls fn and closes the store.
func withOwnersStore(ctx context.Context, environ []string, fn func(*store.Store, settings.Migrate) error) (err error) {
	set, err := settings.LoadMigrate(environ)
	if err != nil {
		return err
	}
	set.DatabaseURL = set.OwnerURL()
	db, err := openStore(ctx, set.Common, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return fn(db, set)
}

// withStore opens the store of the settings, calls fn and closes the store.
func withStore(ctx context.Context, fn func(*store.Store) error) (err error) {
	set, err := settings.LoadCommon(os.Environ())
	if err != nil {
		return err
	}
	db, err := openStore(ctx, set, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return fn(db)
}

func newBootstrap() *cobra.Command {
	var team store.Team
	var out outputFormat
	cmd := withOutputFlag(&cobra.Command{
		Use:   "bootstrap --name NAME",
		Short: "Create the first team with an administrator API key, in a database without one",
		Long: `Creates the first team and prints an API key with the role administrator for it (printed only once).
Everything else is done with that key through the API. The command fails if there is a valid administrator
key. Settings: docs/settings.md.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd.Context(), func(db *store.Store) error {
				made, err := bootstrap(cmd.Context(), db, team)
				if err != nil {
					return err
				}
				return out.printLine(cmd.OutOrStdout(), made, "%s", made.Secret)
			})
		},
	}, &out)
	f := cmd.Flags()
	f.StringVar(&team.Name, "name", "", "name of the team")
	f.StringVar(&team.Environment, "environment", store.Production, "production or sandbox")
	requireFlag(cmd, "name")
	return cmd
}

// bootstrapResult is the JSON form of the first team and its API key.
type bootstrapResult struct {
	TeamID string `json:"team_id"`
	KeyID  string `json:"key_id"`
	Secret string `json:"secret"`
}

func bootstrap(ctx context.Context, db *store.Store, team store.Team) (bootstrapResult, error) {
	keys, err := db.APIKeys(ctx, "")
	if err != nil {
		return bootstrapResult{}, err
	}
	for _, k := range keys {
		expired := !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(time.Now())
		if k.Role == store.RoleAdministrator && k.RevokedAt == nil && !expired {
			return bootstrapResult{},
				errors.New("there is an administrator key already: use aliquot team add and aliquot key create with it")
		}
	}
	made := bootstrapResult{TeamID: uuid.Must(uuid.NewV7()).String(), KeyID: uuid.Must(uuid.NewV7()).String()}
	if made.Secret, err = store.NewAPIKeySecret(team.Environment); err != nil {
		return bootstrapResult{}, err
	}
	team.ID = made.TeamID
	if err := db.CreateTeam(ctx, team); err != nil {
		return bootstrapResult{}, err
	}
	key := store.APIKey{ID: made.KeyID, TeamID: team.ID, Name: "First administrator key", Role: store.RoleAdministrator}
	return made, db.CreateAPIKey(ctx, key, made.Secret)
}
