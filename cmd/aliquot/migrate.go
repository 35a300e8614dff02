package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/settings"
	"github.com/aliquot-labs/aliquot/store"
)

func newMigrate() *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to date",
		Long:  "Brings the schema up to date; doing it again, or in several processes at once, is harmless. Settings: docs/settings.md.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd.Context(), func(db *store.Store) error {
				if err := db.Migrate(cmd.Context()); err != nil {
					return err
				}
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "The schema is up to date.")
				return err
			})
		},
	}
}

// withStore opens the store that the environment names.
func withStore(ctx context.Context, do func(*store.Store) error) (err error) {
	set, err := settings.LoadCommon(os.Environ())
	if err != nil {
		return err
	}
	db, err := openStore(ctx, set)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return do(db)
}

func newBootstrap() *cobra.Command {
	var team store.Team
	cmd := &cobra.Command{
		Use:   "bootstrap --name NAME",
		Short: "Create the first team with an administrator key, in a database without one",
		Long: `Creates the first team and prints an administrator key for it, which is shown only now. With that key everything else is done
through the API. While there is a good one this is refused. Settings: docs/settings.md.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd.Context(), func(db *store.Store) error {
				secret, err := bootstrap(cmd.Context(), db, team)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), secret)
				return err
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&team.Name, "name", "", "name of the team")
	f.StringVar(&team.Environment, "environment", store.Production, "production or sandbox")
	required(cmd, "name")
	return cmd
}

func bootstrap(ctx context.Context, db *store.Store, team store.Team) (secret string, err error) {
	keys, err := db.Keys(ctx, "")
	if err != nil {
		return "", err
	}
	for _, k := range keys {
		expired := !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(time.Now())
		if k.Role == store.RoleAdministrator && k.RevokedAt == nil && !expired {
			return "", errors.New("there is an administrator key already: use aliquot team add and aliquot key create with it")
		}
	}
	team.ID = uuid.Must(uuid.NewV7()).String()
	if secret, err = store.NewKeySecret(team.Environment); err != nil {
		return "", err
	}
	if err := db.CreateTeam(ctx, team); err != nil {
		return "", err
	}
	key := store.Key{ID: uuid.Must(uuid.NewV7()).String(), TeamID: team.ID, Name: "First administrator key", Role: store.RoleAdministrator}
	return secret, db.CreateKey(ctx, key, secret)
}
