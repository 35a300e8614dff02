package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/order"
)

// parseIDArgument refuses a first argument that is not an id, and puts it into the form in which ids are stored. So a
// text with a slash in it cannot become another path of the API.
func parseIDArgument(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	id, err := parseID(args[0])
	if err != nil {
		return err
	}
	args[0] = id
	return nil
}

// parseID returns an id in the form in which ids are stored.
func parseID(text string) (string, error) {
	id, ok := order.ParseID(text)
	if !ok {
		return "", fmt.Errorf("%q is not an id, which has 36 characters, such as %s", text, exampleID)
	}
	return id, nil
}
