package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/settings"
	"github.com/aliquot-labs/aliquot/store"
)

func newMigrate() *cobra.Command {
	var out output
	return prints(&cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to date",
		Long:  "Brings the schema up to date; doing it again, or in several processes at once, is harmless. Settings: docs/settings.md.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd.Context(), func(db *store.Store) error {
				if err := db.Migrate(cmd.Context()); err != nil {
					return err
				}
				return out.say(cmd.OutOrStdout(), map[string]bool{"up_to_date": true}, "The schema is up to date.")
			})
		},
	}, &out)
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
	var out output
	cmd := prints(&cobra.Command{
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
				return out.say(cmd.OutOrStdout(), made, "%s", made.Secret)
			})
		},
	}, &out)
	f := cmd.Flags()
	f.StringVar(&team.Name, "name", "", "name of the team")
	f.StringVar(&team.Environment, "environment", store.Production, "production or sandbox")
	required(cmd, "name")
	return cmd
}

// bootstrapped is the first key, and what it is of.
type bootstrapped struct {
	TeamID string `json:"team_id"`
	KeyID  string `json:"key_id"`
	Secret string `json:"secret"`
}

func bootstrap(ctx context.Context, db *store.Store, team store.Team) (bootstrapped, error) {
	keys, err := db.Keys(ctx, "")
	if err != nil {
		return bootstrapped{}, err
	}
	for _, k := range keys {
		expired := !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(time.Now())
		if k.Role == store.RoleAdministrator && k.RevokedAt == nil && !expired {
			return bootstrapped{}, errors.New("there is an administrator key already: use aliquot team add and aliquot key create with it")
		}
	}
	made := bootstrapped{TeamID: uuid.Must(uuid.NewV7()).String(), KeyID: uuid.Must(uuid.NewV7()).String()}
	if made.Secret, err = store.NewKeySecret(team.Environment); err != nil {
		return bootstrapped{}, err
	}
	team.ID = made.TeamID
	if err := db.CreateTeam(ctx, team); err != nil {
		return bootstrapped{}, err
	}
	key := store.Key{ID: made.KeyID, TeamID: team.ID, Name: "First administrator key", Role: store.RoleAdministrator}
	return made, db.CreateKey(ctx, key, made.Secret)
}
