package main

import (
	"context"
	"errors"
	"os"
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
		Short: "Bring the database's schema up to date",
		Long:  "Brings the schema up to date; doing it again, or in several processes at once, is harmless. Settings: docs/settings.md.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd.Context(), func(db *store.Store) error {
				if err := db.Migrate(cmd.Context()); err != nil {
					return err
				}
				return out.printLine(cmd.OutOrStdout(), map[string]bool{"up_to_date": true}, "The schema is up to date.")
			})
		},
	}, &out)
}

// withStore opens the store that the environment names.
func withStore(ctx context.Context, fn func(*store.Store) error) (err error) {
	set, err := settings.LoadCommon(os.Environ())
	if err != nil {
		return err
	}
	db, err := openStore(ctx, set)
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
		Short: "Create the first team with an administrator key, in a database without one",
		Long: `Creates the first team and prints an administrator key for it, which is shown only now. With that key everything else is done
through the API. While there is a good one this is refused. Settings: docs/settings.md.`,
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

// bootstrapResult is the first key, and what it is of.
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
