package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/store"
)

func newKeyRotate() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Seal all that older encryption keys have sealed with the key in front",
		Long: `Works on the database directly, next to the running API and workers: seals again, with the first of ALIQUOT_ENCRYPTION_KEYS, what
its other keys have sealed, and makes the hashes of searches anew. When it is stopped, run it again: what is done is passed over.
At the end it says which keys nothing needs any more. First every process must have been started with the new key in front;
docs/security.md has the steps. Settings: docs/settings.md.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd.Context(), func(db *store.Store) error {
				var rotated error
				if !check {
					rotated = rotate(cmd, db)
				}
				uses, err := db.KeyUses(cmd.Context())
				if err != nil {
					return errors.Join(rotated, err)
				}
				return errors.Join(rotated, showKeyUses(cmd.OutOrStdout(), uses))
			})
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "change nothing, only say what each key is needed for")
	return cmd
}

// rotateStep is how many values lie between two lines of progress.
const rotateStep = 1000

// rotate shows a line for each column in which anything was to do.
func rotate(cmd *cobra.Command, db *store.Store) error {
	out, unreadable, next := cmd.OutOrStdout(), 0, rotateStep
	done, err := db.Rotate(cmd.Context(), func(r store.Rotation) {
		if r.Done < rotateStep {
			next = rotateStep
		}
		if r.Done >= next {
			next += rotateStep
			_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%s.%s: %d so far\n", r.Table, r.Column, r.Done) // progress is a courtesy
		}
	})
	for _, r := range done {
		unreadable += r.Unreadable
		if r.Done+r.Overtaken+r.Unreadable == 0 {
			continue
		}
		if _, err := fmt.Fprintln(out, rotationLine(r)); err != nil {
			return err
		}
	}
	if err == nil && unreadable > 0 {
		err = errors.New("some values are not readable with the keys of ALIQUOT_ENCRYPTION_KEYS, and were left as they are")
	}
	return err
}

func rotationLine(r store.Rotation) string {
	line := fmt.Sprintf("%s.%s: %d made anew", r.Table, r.Column, r.Done)
	if r.Overtaken > 0 {
		line += fmt.Sprintf(", %d changed meanwhile", r.Overtaken)
	}
	if r.Unreadable > 0 {
		line += fmt.Sprintf(", %d UNREADABLE", r.Unreadable)
	}
	return line
}

func showKeyUses(w io.Writer, uses []store.KeyUse) error {
	for i, u := range uses {
		name, remark := "key "+u.ID, ""
		switch {
		case u.ID == "" && u.Unused():
			continue
		case u.ID == "":
			name, remark = "keys that are not in the settings", " (their values cannot be read)"
		case i == 0:
			remark = " (in front)"
		case u.Unused():
			remark = ": can be removed, once no process runs that has it in front"
		}
		if _, err := fmt.Fprintf(w, "%s: %d values, %d search hashes%s\n", name, u.Values, u.Hashes, remark); err != nil {
			return err
		}
	}
	return nil
}
