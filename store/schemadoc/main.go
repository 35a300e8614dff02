// Command schemadoc writes docs/schema.md from the migrations for PostgreSQL and their comments. With -check it fails
// if the file is not current.
package main

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/aliquot-labs/aliquot/internal/docgen"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func main() {
	os.Exit(docgen.GeneratedFile{
		Command: "schemadoc", Path: "docs/schema.md", Package: "./store",
		Render: func() ([]byte, error) {
			s, err := readSchema()
			if err != nil {
				return nil, err
			}
			return []byte(s.markdown()), nil
		},
	}.Run(os.Args[1:], os.Stderr))
}

// readSchema reads all migrations for PostgreSQL.
func readSchema() (*schema, error) {
	files, err := store.Migrations(sqldb.Postgres)
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("listing the migrations: %w", err)
	}
	s := &schema{}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("reading the migrations: %w", err)
		}
		s.apply(string(text))
	}
	return s, nil
}
