// Package testids makes the ids of test data.
package testids

import "github.com/google/uuid"

// Of returns the UUID of a name, in the form in which the store keeps it. The same name always has the same UUID.
func Of(name string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte("aliquot test "+name)).String()
}
