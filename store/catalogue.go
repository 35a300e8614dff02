package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/aliquot-labs/aliquot/order"
)

// CatalogueImport says how a catalogue is imported.
type CatalogueImport struct {
	// TeamID is who is offered the lab tests. Defaults to all teams.
	TeamID string
	// Retire takes out of service what the store has of the catalogue's labs and the catalogue does not. Without, it stays as it is.
	Retire bool
	// DryRun changes nothing, and only says what would be done.
	DryRun bool
}

// CatalogueChanges is what an import did.
type CatalogueChanges struct {
	Labs     Tally `json:"labs"`
	Markers  Tally `json:"markers"`
	LabTests Tally `json:"lab_tests"`
	Sites    Tally `json:"sites"`
	Coverage Tally `json:"phlebotomy"`
	Zips     Tally `json:"zips"`
}

// Tally counts entries of one kind.
type Tally struct {
	Added     int `json:"added"`
	Changed   int `json:"changed"`
	Unchanged int `json:"unchanged"`
	Retired   int `json:"retired"`
}

// errDryRun ends the transaction of an import that is to change nothing.
var errDryRun = errors.New("nothing is to be changed")

// ImportCatalogue puts a catalogue, whole or not at all. Importing it again changes nothing. What it does not have is kept, since orders
// may refer to it. The error is ErrConflict when a lab test is another team's.
func (s *Store) ImportCatalogue(ctx context.Context, c order.Catalogue, how CatalogueImport) (CatalogueChanges, error) {
	var changes CatalogueChanges
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		i := catalogueImport{s: s, tx: tx, how: how, c: c}
		if err := i.run(ctx); err != nil {
			return err
		}
		changes = i.done
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

// catalogueImport is an import under way.
type catalogueImport struct {
	s       *Store
	tx      *sql.Tx
	how     CatalogueImport
	c       order.Catalogue
	done    CatalogueChanges
	changed map[int64]order.Marker // markers that are not as they were
}

func (i *catalogueImport) run(ctx context.Context) error {
	i.changed = map[int64]order.Marker{}
	for _, step := range []func(context.Context) error{
		i.labs, i.markers, i.labTests, i.refresh, i.sites, i.coverage, i.zips,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// stored are rows' documents by a key, each with the key in the first column and the document in the second.
func (i *catalogueImport) stored(ctx context.Context, query string, args ...any) (map[string]string, error) {
	type pair struct{ key, document string }
	all, err := collect(ctx, i.tx, func(row scanner) (p pair, err error) {
		err = row.Scan(&p.key, &p.document)
		return p, err
	}, query, args...)
	byKey := make(map[string]string, len(all))
	for _, p := range all {
		byKey[p.key] = p.document
	}
	return byKey, err
}

// put counts an entry, and reports whether its document has to be written.
func (t *Tally) put(have map[string]string, key, document string) bool {
	was, ok := have[key]
	switch {
	case !ok:
		t.Added++
	case was != document:
		t.Changed++
	default:
		t.Unchanged++
		return false
	}
	return true
}

func (i *catalogueImport) labs(ctx context.Context) error {
	have, err := i.stored(ctx, `SELECT CAST(id AS TEXT), document FROM labs`)
	if err != nil {
		return err
	}
	for _, l := range i.c.Labs {
		document, err := encode(l)
		if err != nil {
			return err
		}
		if !i.done.Labs.put(have, strconv.Itoa(l.ID), document) {
			continue
		}
		if err := putLab(ctx, i.tx, l); err != nil {
			return err
		}
	}
	return nil
}

func (i *catalogueImport) markers(ctx context.Context) error {
	have, err := i.stored(ctx, `SELECT CAST(id AS TEXT), document FROM markers`)
	if err != nil {
		return err
	}
	for _, m := range i.c.Markers {
		if err := i.marker(ctx, have, m, &i.done.Markers); err != nil {
			return err
		}
	}
	if !i.how.Retire {
		return nil
	}
	return i.retireMarkers(ctx)
}

func (i *catalogueImport) marker(ctx context.Context, have map[string]string, m order.Marker, tally *Tally) error {
	document, err := encode(m)
	if err != nil {
		return err
	}
	if !tally.put(have, strconv.FormatInt(m.ID, 10), document) {
		return nil
	}
	i.changed[m.ID] = m
	_, err = i.tx.ExecContext(ctx, `INSERT INTO markers (id, lab_id, document, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET lab_id = excluded.lab_id, document = excluded.document, updated_at = excluded.updated_at`,
		m.ID, m.LabID, document, micros(i.s.now()))
	if err != nil {
		return fmt.Errorf("writing marker %d: %w", m.ID, err)
	}
	return nil
}

func (i *catalogueImport) labTests(ctx context.Context) error {
	have, err := i.stored(ctx, `SELECT id, document FROM lab_tests WHERE team_id = $1`, i.how.TeamID)
	if err != nil {
		return err
	}
	for _, t := range i.c.LabTests {
		if err := i.labTest(ctx, have, t, &i.done.LabTests); err != nil {
			return err
		}
	}
	if !i.how.Retire {
		return nil
	}
	return i.retireLabTests(ctx)
}

func (i *catalogueImport) labTest(ctx context.Context, have map[string]string, t order.LabTest, tally *Tally) error {
	lab := t.Lab
	t.Lab = nil // as it is kept
	document, err := encode(t)
	if err != nil {
		return err
	}
	t.Lab = lab
	if !tally.put(have, t.ID, document) {
		return nil
	}
	return i.s.putLabTest(ctx, i.tx, i.how.TeamID, t)
}

// refresh gives lab tests that are not in the catalogue the markers as they are now.
func (i *catalogueImport) refresh(ctx context.Context) error {
	if len(i.changed) == 0 {
		return nil
	}
	imported := map[string]bool{}
	for _, t := range i.c.LabTests {
		imported[t.ID] = true
	}
	have, err := i.stored(ctx, `SELECT id, document FROM lab_tests`)
	if err != nil {
		return err
	}
	for id, document := range have {
		if imported[id] {
			continue
		}
		var t order.LabTest
		if err := decode(document, &t); err != nil {
			return err
		}
		if !renewed(t.Markers, i.changed) {
			continue
		}
		if document, err = encode(t); err != nil {
			return err
		}
		if _, err := i.tx.ExecContext(ctx, `UPDATE lab_tests SET document = $1 WHERE id = $2`, document, id); err != nil {
			return fmt.Errorf("renewing the markers of lab test %s: %w", id, err)
		}
	}
	return nil
}

// renewed puts changed markers in the place of what they were, and reports whether there was one.
func renewed(markers []order.Marker, changed map[int64]order.Marker) bool {
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

// Any reports whether an import did anything.
func (c CatalogueChanges) Any() bool {
	for _, t := range []Tally{c.Labs, c.Markers, c.LabTests, c.Sites, c.Coverage, c.Zips} {
		if t.Added+t.Changed+t.Retired > 0 {
			return true
		}
	}
	return false
}

// Catalogue is everything that was imported, with the lab tests that a team is offered by an import; an empty teamID: those of all teams.
// Lab tests that the server made for single orders are not in it.
func (s *Store) Catalogue(ctx context.Context, teamID string) (order.Catalogue, error) {
	var c order.Catalogue
	err := s.inSnapshot(ctx, func(q querier) (err error) {
		if c.Labs, err = collect(ctx, q, scanLab, `SELECT document FROM labs ORDER BY id`); err != nil {
			return err
		}
		if c.Markers, err = collect(ctx, q, scanMarker, `SELECT document FROM markers ORDER BY id`); err != nil {
			return err
		}
		if c.LabTests, err = collect(ctx, q, scanLabTest, `SELECT t.document, l.document FROM lab_tests t JOIN labs l ON l.id = t.lab_id
			WHERE t.team_id = $1 ORDER BY t.created_at, t.id`, teamID); err != nil {
			return err
		}
		c.LabTests = slices.DeleteFunc(c.LabTests, func(t order.LabTest) bool { return t.AutoGenerated })
		if c.Sites, err = collect(ctx, q, scanSite, `SELECT document FROM sites ORDER BY lab_id, code`); err != nil {
			return err
		}
		if c.Coverage, err = collect(ctx, q, scanCoverage, `SELECT provider, from_zip, to_zip, service_types FROM coverage
			ORDER BY provider, from_zip, to_zip`); err != nil {
			return err
		}
		zips, err := collect(ctx, q, scanZip, `SELECT zip, lat, lng FROM zips ORDER BY zip`)
		for _, z := range zips {
			c.Zips = append(c.Zips, order.ZipCenter(z))
		}
		return err
	})
	if err != nil {
		return order.Catalogue{}, fmt.Errorf("reading the catalogue: %w", err)
	}
	return c, nil
}
