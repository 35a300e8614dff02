package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/internal/settings"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/keyring"
)

func newKey() *cobra.Command {
	var r remoteFlags
	cmd := addRemoteFlags(&cobra.Command{Use: "key", Short: "API keys and encryption keys"}, &r)
	cmd.AddCommand(newAPIKeyList(&r), newAPIKeyCreate(&r), newAPIKeyRotate(&r), newAPIKeyRevoke(&r),
		newBearerTokenCreate(&r))
	cmd.AddCommand(newEncryptionKeyNew(&r.output), newEncryptionKeyRotate(&r.output))
	return cmd
}

func newEncryptionKeyNew(out *outputFormat) *cobra.Command {
	var wrap bool
	cmd := validateOutputFirst(&cobra.Command{
		Use:   "new-encryption [ID]",
		Short: "Create an encryption key and print it; it is not stored",
		Long: `Creates a key for ALIQUOT_ENCRYPTION_KEYS, or for ALIQUOT_MASTER_KEY. With --wrap the key is encrypted with
the master key. The first key of ALIQUOT_ENCRYPTION_KEYS seals new values, and every key opens what it
sealed. docs/security.md has the steps of a change of keys.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id := firstNonEmpty(append(args, "k1")...)
			key, err := keyring.NewEncryptionKey(id)
			if err == nil && wrap {
				key, err = wrapKey(cmd.Context(), key)
			}
			if err != nil {
				return err
			}
			return out.printLine(cmd.OutOrStdout(), map[string]string{"id": id, "key": key}, "%s", key)
		},
	}, out)
	cmd.Flags().BoolVar(&wrap, "wrap", false, "encrypt the key with ALIQUOT_MASTER_KEY")
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
	return keyring.WrapEncryptionKey(ctx, kms, key)
}

func newEncryptionKeyRotate(out *outputFormat) *cobra.Command {
	var check bool
	cmd := validateOutputFirst(&cobra.Command{
		Use:   "rotate",
		Short: "Seal values of older encryption keys again, with the first key",
		Long: `Works on the database directly while the API and workers run. It seals the values of all other keys again
with the first of ALIQUOT_ENCRYPTION_KEYS, and computes the search hashes again. After an interruption, run
it again: it continues where it stopped. At the end it prints which keys are not needed any more. Before,
start every process with the new key in front: docs/security.md has the steps. Settings: docs/settings.md.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd.Context(), func(db *store.Store) error {
				var done []store.ColumnRotation
				var rotated error
				if !check {
					done, rotated = rotateEncryptionKeys(cmd, db)
				}
				uses, err := db.EncryptionKeyUses(cmd.Context())
				if err != nil {
					return errors.Join(rotated, err)
				}
				return errors.Join(rotated, printRotated(cmd.OutOrStdout(), *out, done, uses))
			})
		},
	}, out)
	cmd.Flags().BoolVar(&check, "check", false, "change nothing, only print what each key is needed for")
	return cmd
}

// rotateProgressStep is the number of values between two lines of progress.
const rotateProgressStep = 1000

// rotateEncryptionKeys replaces what older encryption keys sealed, and prints its progress. It returns the columns in
// which something was done or unreadable. Unreadable values are an error.
func rotateEncryptionKeys(cmd *cobra.Command, db *store.Store) ([]store.ColumnRotation, error) {
	unreadable, next := 0, rotateProgressStep
	done, err := db.RotateEncryptionKeys(cmd.Context(), func(r store.ColumnRotation) {
		if r.Replaced < rotateProgressStep {
			next = rotateProgressStep
		}
		if r.Replaced >= next {
			next += rotateProgressStep
			// A failure to print the progress does not stop the rotation.
			_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%s.%s: %d so far\n", r.Table, r.Column, r.Replaced)
		}
	})
	for _, r := range done {
		unreadable += r.Unreadable
	}
	done = slices.DeleteFunc(done,
		func(r store.ColumnRotation) bool { return r.Replaced+r.ChangedMeanwhile+r.Unreadable == 0 })
	if err == nil && unreadable > 0 {
		err = errors.New("some values are not readable with the keys of ALIQUOT_ENCRYPTION_KEYS, and stay as they are: " +
			"add the key that sealed them")
	}
	return done, err
}

// rotatedColumn is the JSON form of what a rotation has done in a column.
type rotatedColumn struct {
	Table            string `json:"table"`
	Column           string `json:"column"`
	Replaced         int    `json:"done"`
	ChangedMeanwhile int    `json:"overtaken"`
	Unreadable       int    `json:"unreadable"`
}

// encryptionKeyUse is the JSON form of what an encryption key is needed for. The entry without an id counts the uses of
// keys that are not in the settings.
type encryptionKeyUse struct {
	ID        string `json:"id"`
	InFront   bool   `json:"in_front"`
	Values    int    `json:"values"`
	Hashes    int    `json:"search_hashes"`
	Removable bool   `json:"removable"`
}

func printRotated(w io.Writer, out outputFormat, done []store.ColumnRotation, uses []store.EncryptionKeyUse) error {
	columns, keys := []rotatedColumn{}, []encryptionKeyUse{}
	for _, r := range done {
		columns = append(columns, rotatedColumn(r))
	}
	for i, u := range uses {
		if u.ID != "" || !u.Unused() {
			keys = append(keys, encryptionKeyUse{ID: u.ID, InFront: i == 0, Values: u.Values, Hashes: u.Hashes,
				Removable: i > 0 && u.Unused()})
		}
	}
	return out.printValue(w, map[string]any{"rotated": columns, "keys": keys}, func(w io.Writer) error {
		for _, r := range done {
			if _, err := fmt.Fprintln(w, rotationLine(r)); err != nil {
				return err
			}
		}
		for _, k := range keys {
			if _, err := fmt.Fprintln(w, k.line()); err != nil {
				return err
			}
		}
		return nil
	})
}

func rotationLine(r store.ColumnRotation) string {
	line := fmt.Sprintf("%s.%s: %d replaced", r.Table, r.Column, r.Replaced)
	if r.ChangedMeanwhile > 0 {
		line += fmt.Sprintf(", %d changed meanwhile", r.ChangedMeanwhile)
	}
	if r.Unreadable > 0 {
		line += fmt.Sprintf(", %d UNREADABLE", r.Unreadable)
	}
	return line
}

func (k encryptionKeyUse) line() string {
	name, remark := "key "+k.ID, ""
	switch {
	case k.ID == "":
		name, remark = "keys that are not in the settings", " (their values cannot be read)"
	case k.InFront:
		remark = " (in front)"
	case k.Removable:
		remark = ": can be removed when no running process has it first in its list"
	}
	return fmt.Sprintf("%s: %d values, %d search hashes%s", name, k.Values, k.Hashes, remark)
}
