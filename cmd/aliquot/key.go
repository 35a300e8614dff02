package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/settings"
	"github.com/aliquot-labs/aliquot/store"
)

func newKey() *cobra.Command {
	var r remote
	cmd := administers(&cobra.Command{Use: "key", Short: "API keys and encryption keys"}, &r)
	cmd.AddCommand(newKeyCreate(&r), newKeyEncryption(), newKeyRotate())
	return cmd
}

func newKeyCreate(r *remote) *cobra.Command {
	var team, name, role string
	cmd := &cobra.Command{
		Use:   "create --name NAME",
		Short: "Make an API key and print its secret, which is shown only now",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in := map[string]string{"name": name, "role": role}
			return addTo(cmd, r, team, "keys", in, func(w io.Writer, k api.OpsKey) {
				row(w, "id", k.ID)
				row(w, "role", k.Role)
				row(w, "secret", k.Secret)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "what it is for")
	f.StringVar(&role, "role", store.RoleClient, "client, or operations: all teams, through the operations API")
	f.StringVar(&team, "team", "", "id of the team (default the only one, or the demonstration's)")
	required(cmd, "name")
	return cmd
}

func newKeyEncryption() *cobra.Command {
	var wrap bool
	cmd := &cobra.Command{
		Use:   "new-encryption [ID]",
		Short: "Make an encryption key and print it; nothing is stored",
		Long: `Makes a key for ALIQUOT_ENCRYPTION_KEYS, or for ALIQUOT_MASTER_KEY. With --wrap the key is printed so that only the master key
opens it. The first key of the list seals, all of them open; docs/security.md says how to change the key.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := store.NewKey(first(append(args, "k1")...))
			if err == nil && wrap {
				key, err = wrapped(cmd.Context(), key)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), key)
			return err
		},
	}
	cmd.Flags().BoolVar(&wrap, "wrap", false, "wrap it with ALIQUOT_MASTER_KEY")
	return cmd
}

func wrapped(ctx context.Context, key string) (string, error) {
	set, err := settings.LoadMaster(os.Environ())
	if err != nil {
		return "", err
	}
	kms, err := set.KMS()
	if err != nil {
		return "", err
	}
	if kms == nil {
		return "", errors.New("--wrap needs a master key: set ALIQUOT_MASTER_KEY or ALIQUOT_MASTER_KEY_FILE")
	}
	return store.WrapKey(ctx, kms, key)
}
