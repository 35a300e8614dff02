package main

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/settings"
	"github.com/aliquot-labs/aliquot/store"
)

func newKey() *cobra.Command {
	var r remote
	cmd := administers(&cobra.Command{Use: "key", Short: "API keys and encryption keys"}, &r)
	cmd.AddCommand(newKeyList(&r), newKeyCreate(&r), newKeyRenew(&r), newKeyRevoke(&r), newKeyToken(&r))
	cmd.AddCommand(newKeyEncryption(&r.output), newKeyRotate(&r.output))
	return cmd
}

func newKeyEncryption(out *output) *cobra.Command {
	var wrap bool
	cmd := checks(&cobra.Command{
		Use:   "new-encryption [ID]",
		Short: "Make an encryption key and print it; nothing is stored",
		Long: `Makes a key for ALIQUOT_ENCRYPTION_KEYS, or for ALIQUOT_MASTER_KEY. With --wrap the key is printed so that only the master key
opens it. The first key of the list seals, all of them open; docs/security.md says how to change the key.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id := first(append(args, "k1")...)
			key, err := store.NewKey(id)
			if err == nil && wrap {
				key, err = wrapped(cmd.Context(), key)
			}
			if err != nil {
				return err
			}
			return out.say(cmd.OutOrStdout(), map[string]string{"id": id, "key": key}, "%s", key)
		},
	}, out)
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
