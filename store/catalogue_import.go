package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// CatalogueImportOptions are the options of ImportCatalogue.
type CatalogueImportOptions struct {
	// TeamID is the team that is offered the lab tests. Empty means all teams.
	TeamID string
	// Retire takes entries of the catalogue's labs out of service that the store has and the catalogue does not. Without
	// it they stay in service.
	Retire bool
	// DryRun changes nothing and only returns what would change.
	DryRun bool
}

// CatalogueChanges counts what an import did.
type CatalogueChanges struct {
	Labs     Tally `json:"labs"`
	Markers  Tally `json:"markers"`
	LabTests Tally `json:"lab_tests"`
	Sites    Tally `json:"sites"`
	Coverage Tally `json:"phlebotomy"`
	Zips     Tally `json:"zips"`
}

// Tally counts the entries of one kind.
type Tally struct {
	Added     int `json:"added"`
	Changed   int `json:"changed"`
	Unchanged int `json:"unchanged"`
	Retired   int `json:"retired"`
}

// errDryRun rolls the transaction of a dry run back.
var errDryRun = errors.New("nothing is to be changed")

// ImportCatalogue stores a catalogue in one transaction. Importing it again changes nothing. Entries that it does not
// have are not removed, because orders may refer to them. The error is ErrConflict when a lab test belongs to another
// team.
func (s *Store) ImportCatalogue(ctx context.Context, c order.Catalogue,
	how CatalogueImportOptions) (CatalogueChanges, error) {
	var changes CatalogueChanges
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		i := catalogueImport{s: s, tx: tx, options: how, catalogue: c}
		if err := i.run(ctx); err != nil {
			return err
		}
		changes = i.changes
		if how.DryRun {
			return errDryRun
		}
		return nil
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	if err != nil {
		return CatalogueChanges{}, fmt.Errorf("importing a catalogue: %w", err)
	}
	return changes, nil
}

// catalogueImport is the state of one import.
type catalogueImport struct {
	s              *Store
	tx             *sql.Tx
	options        CatalogueImportOptions
	catalogue      order.Catalogue
	changes        CatalogueChanges
	changedMarkers map[int64]order.Marker // markers that the import has changed
}

func (i *catalogueImport) run(ctx context.Context) error {
	i.changedMarkers = map[int64]order.Marker{}
	for _, step := range []func(context.Context) error{
		i.importLabs, i.importMarkers, i.importLabTests, i.refreshLabTestMarkers, i.importSites, i.importCoverage,
		i.importZips,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// refreshLabTestMarkers updates the changed markers in lab tests that are not in the catalogue.
func (i *catalogueImport) refreshLabTestMarkers(ctx context.Context) error {
	if len(i.changedMarkers) == 0 {
		return nil
	}
	imported := map[string]bool{}
	for _, t := range i.catalogue.LabTests {
		imported[t.ID] = true
	}
	have, err := i.storedDocuments(ctx, `SELECT id, document FROM lab_tests`)
	if err != nil {
		return err
	}
	for id, document := range have {
		if imported[id] {
			continue
		}
		var t order.LabTest
		if err := decodeJSON(document, &t); err != nil {
			return err
		}
		if !replaceChangedMarkers(t.Markers, i.changedMarkers) {
			continue
		}
		if document, err = encodeJSON(t); err != nil {
			return err
		}
		if _, err := i.tx.ExecContext(ctx, `UPDATE lab_tests SET document = $1 WHERE id = $2`, document, id); err != nil {
			return fmt.Errorf("updating the markers of lab test %s: %w", id, err)
		}
	}
	return nil
}

// replaceChangedMarkers replaces changed markers in the list and reports whether there was one.
func replaceChangedMarkers(markers []order.Marker, changed map[int64]order.Marker) bool {
	found := false
	for n, m := range markers {
		now, ok := changed[m.ID]
		if !ok || m.LabID == nil || *m.LabID != *now.LabID {
			continue
		}
		markers[n], found = now, true
	}
	return found
}

// HasChanges reports whether an import changed anything.
func (c CatalogueChanges) HasChanges() bool {
	for _, t := range []Tally{c.Labs, c.Markers, c.LabTests, c.Sites, c.Coverage, c.Zips} {
		if t.Added+t.Changed+t.Retired > 0 {
			return true
		}
	}
	return false
}

// Catalogue returns everything that was imported, with the lab tests that imports have offered to a team. An empty
// teamID returns the lab tests for all teams. Lab tests that the server combined for single orders are not included.
func (s *Store) Catalogue(ctx context.Context, teamID string) (order.Catalogue, error) {
	var c order.Catalogue
	err := s.db.InSnapshot(ctx, func(q sqldb.Querier) (err error) {
		if c.Labs, err = sqldb.QueryAll(ctx, q, scanLab, `SELECT document FROM labs ORDER BY id`); err != nil {
			return err
		}
		if c.Markers, err = sqldb.QueryAll(ctx, q, scanMarker, `SELECT document FROM markers ORDER BY id`); err != nil {
			return err
		}
		ofTeam := labTestsOwnedBy(teamID)
		if c.LabTests, err = sqldb.QueryAll(ctx, q, scanLabTest,
			`SELECT t.document, l.document FROM lab_tests t JOIN labs l ON l.id = t.lab_id`+ofTeam.String()+
				` ORDER BY t.created_at, t.id`, ofTeam.Args...); err != nil {
			return err
		}
		c.LabTests = slices.DeleteFunc(c.LabTests, func(t order.LabTest) bool { return t.AutoGenerated })
		if c.Sites, err = sqldb.QueryAll(ctx, q, scanSite, `SELECT document FROM sites ORDER BY lab_id, code`); err != nil {
			return err
		}
		if c.PhlebotomyAreas, err = sqldb.QueryAll(ctx, q, scanCoverage,
			`SELECT provider, from_zip, to_zip, service_types FROM coverage
			ORDER BY provider, from_zip, to_zip`); err != nil {
			return err
		}
		zips, err := sqldb.QueryAll(ctx, q, scanZip, `SELECT zip, lat, lng FROM zips ORDER BY zip`)
		for _, z := range zips {
			c.ZipCenters = append(c.ZipCenters, order.ZipCenter(z))
		}
		return err
	})
	if err != nil {
		return order.Catalogue{}, fmt.Errorf("reading the catalogue: %w", err)
	}
	return c, nil
}
