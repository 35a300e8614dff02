package main

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/internal/settings"
	"github.com/aliquot-labs/aliquot/store"
)

func newKey() *cobra.Command {
	var r remoteFlags
	cmd := addRemoteFlags(&cobra.Command{Use: "key", Short: "API keys and encryption keys"}, &r)
	cmd.AddCommand(newAPIKeyList(&r), newAPIKeyCreate(&r), newAPIKeyRotate(&r), newAPIKeyRevoke(&r), newBearerTokenCreate(&r))
	cmd.AddCommand(newEncryptionKeyNew(&r.output), newEncryptionKeyRotate(&r.output))
	return cmd
}

func newEncryptionKeyNew(out *outputFormat) *cobra.Command {
	var wrap bool
	cmd := validateOutputFirst(&cobra.Command{
		Use:   "new-encryption [ID]",
		Short: "Make an encryption key and print it; nothing is stored",
		Long: `Makes a key for ALIQUOT_ENCRYPTION_KEYS, or for ALIQUOT_MASTER_KEY. With --wrap the key is printed so that only the master key
opens it. The first key of the list seals, all of them open; docs/security.md says how to change the key.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id := firstNonEmpty(append(args, "k1")...)
			key, err := store.NewEncryptionKey(id)
			if err == nil && wrap {
				key, err = wrapKey(cmd.Context(), key)
			}
			if err != nil {
				return err
			}
			return out.printLine(cmd.OutOrStdout(), map[string]string{"id": id, "key": key}, "%s", key)
		},
	}, out)
	cmd.Flags().BoolVar(&wrap, "wrap", false, "wrap it with ALIQUOT_MASTER_KEY")
	return cmd
}

func wrapKey(ctx context.Context, key string) (string, error) {
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
	return store.WrapEncryptionKey(ctx, kms, key)
}
