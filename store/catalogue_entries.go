package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// catalogueEntries are the entries of one kind in a catalogue. The store holds them as JSON documents by a key.
type catalogueEntries[T any] struct {
	tally       *Tally
	inCatalogue []T
	keyOf       func(T) string
	storedQuery string // selects all keys and documents
	queryArgs   []any  // parameters of the queries
	document    func(T) (string, error)
	write       func(ctx context.Context, entry T, document string) error

	// The fields below find and retire entries that the store has and the catalogue does not. retire takes an entry out of
	// service if it is in service and belongs to a lab of the catalogue, and reports whether it did. Entries are never
	// removed, because orders refer to them. retire is nil for a kind that cannot be retired.
	allQuery string // selects all entries
	scan     func(sqldb.Scanner) (T, error)
	retire   func(*T) bool
}

// importAll writes the entries that are new or have changed. Then it retires the others, if the import is to do that.
func (e catalogueEntries[T]) importAll(ctx context.Context, i *catalogueImport) error {
	have, err := i.storedDocuments(ctx, e.storedQuery, e.queryArgs...)
	if err != nil {
		return err
	}
	listed := map[string]bool{}
	for _, entry := range e.inCatalogue {
		key := e.keyOf(entry)
		listed[key] = true
		document, err := e.document(entry)
		if err != nil {
			return err
		}
		if !e.tally.countEntry(have, key, document) {
			continue
		}
		if err := e.write(ctx, entry, document); err != nil {
			return err
		}
	}
	if !i.options.Retire || e.retire == nil {
		return nil
	}
	return e.retireMissing(ctx, i, listed)
}

func (e catalogueEntries[T]) retireMissing(ctx context.Context, i *catalogueImport, inCatalogue map[string]bool) error {
	all, err := sqldb.QueryAll(ctx, i.tx, e.scan, e.allQuery, e.queryArgs...)
	if err != nil {
		return err
	}
	for _, entry := range all {
		if inCatalogue[e.keyOf(entry)] || !e.retire(&entry) {
			continue
		}
		e.tally.Retired++
		document, err := e.document(entry)
		if err != nil {
			return err
		}
		if err := e.write(ctx, entry, document); err != nil {
			return err
		}
	}
	return nil
}

// storedDocuments returns the documents of rows by their keys. The query selects the key and the document.
func (i *catalogueImport) storedDocuments(ctx context.Context, query string, args ...any) (map[string]string, error) {
	type pair struct{ key, document string }
	all, err := sqldb.QueryAll(ctx, i.tx, func(row sqldb.Scanner) (p pair, err error) {
		err = row.Scan(&p.key, &p.document)
		return p, err
	}, query, args...)
	byKey := make(map[string]string, len(all))
	for _, p := range all {
		byKey[p.key] = p.document
	}
	return byKey, err
}

// countEntry counts an entry and reports whether its document has to be written.
func (t *Tally) countEntry(have map[string]string, key, document string) bool {
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

func (i *catalogueImport) importLabs(ctx context.Context) error {
	return catalogueEntries[order.Lab]{
		tally: &i.changes.Labs, inCatalogue: i.catalogue.Labs,
		keyOf:       func(l order.Lab) string { return strconv.Itoa(l.ID) },
		storedQuery: `SELECT CAST(id AS TEXT), document FROM labs`, document: encodeDocument[order.Lab],
		write: func(ctx context.Context, l order.Lab, _ string) error { return putLab(ctx, i.tx, l) },
	}.importAll(ctx, i)
}

func (i *catalogueImport) importMarkers(ctx context.Context) error {
	return catalogueEntries[order.Marker]{
		tally: &i.changes.Markers, inCatalogue: i.catalogue.Markers,
		keyOf:       func(m order.Marker) string { return strconv.FormatInt(m.ID, 10) },
		storedQuery: `SELECT CAST(id AS TEXT), document FROM markers`, document: encodeDocument[order.Marker],
		write:    i.writeMarker,
		allQuery: `SELECT document FROM markers ORDER BY id`, scan: scanMarker,
		retire: func(m *order.Marker) bool {
			serves := !m.Inactive && i.hasLab(*m.LabID)
			m.Inactive = true
			return serves
		},
	}.importAll(ctx, i)
}

func (i *catalogueImport) writeMarker(ctx context.Context, m order.Marker, document string) error {
	i.changedMarkers[m.ID] = m
	_, err := i.tx.ExecContext(ctx, `INSERT INTO markers (id, lab_id, document, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET lab_id = excluded.lab_id, document = excluded.document,
			updated_at = excluded.updated_at`,
		m.ID, m.LabID, document, sqldb.ToMicros(i.s.now()))
	if err != nil {
		return fmt.Errorf("writing marker %d: %w", m.ID, err)
	}
	return nil
}

func (i *catalogueImport) importLabTests(ctx context.Context) error {
	ofTeam := labTestsOwnedBy(i.options.TeamID)
	return catalogueEntries[order.LabTest]{
		tally: &i.changes.LabTests, inCatalogue: i.catalogue.LabTests, queryArgs: ofTeam.Args,
		keyOf:       func(t order.LabTest) string { return t.ID },
		storedQuery: `SELECT t.id, t.document FROM lab_tests t` + ofTeam.String(),
		document: func(t order.LabTest) (string, error) {
			t.Lab = nil // the lab is stored in its own table
			return encodeJSON(t)
		},
		write: func(ctx context.Context, t order.LabTest, _ string) error {
			return i.s.putLabTest(ctx, i.tx, i.options.TeamID, t)
		},
		allQuery: `SELECT t.document, l.document FROM lab_tests t LEFT JOIN labs l ON l.id = t.lab_id` +
			ofTeam.String() + ` ORDER BY t.id`,
		scan: scanLabTest,
		retire: func(t *order.LabTest) bool {
			serves := t.Status != statusInactive && !t.AutoGenerated && t.Lab != nil && i.hasLab(t.Lab.ID)
			t.Status = statusInactive
			return serves
		},
	}.importAll(ctx, i)
}

func (i *catalogueImport) importSites(ctx context.Context) error {
	return catalogueEntries[order.Site]{
		tally: &i.changes.Sites, inCatalogue: i.catalogue.Sites,
		keyOf:       func(s order.Site) string { return strconv.Itoa(s.LabID) + " " + s.Code },
		storedQuery: `SELECT CAST(lab_id AS TEXT) || ' ' || code, document FROM sites`, document: encodeDocument[order.Site],
		write:    i.writeSite,
		allQuery: `SELECT document FROM sites ORDER BY lab_id, code`, scan: scanSite,
		retire: func(s *order.Site) bool {
			serves := !s.Inactive && i.hasLab(s.LabID)
			s.Inactive = true
			return serves
		},
	}.importAll(ctx, i)
}

func (i *catalogueImport) writeSite(ctx context.Context, s order.Site, document string) error {
	_, err := i.tx.ExecContext(ctx,
		`INSERT INTO sites (lab_id, code, inactive, lat, lng, document, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (lab_id, code) DO UPDATE SET inactive = excluded.inactive, lat = excluded.lat, lng = excluded.lng,
			document = excluded.document, updated_at = excluded.updated_at`,
		s.LabID, s.Code, s.Inactive, s.Lat, s.Lng, document, sqldb.ToMicros(i.s.now()))
	if err != nil {
		return fmt.Errorf("writing site %s: %w", s.Code, err)
	}
	return nil
}

const statusInactive = "inactive"

// hasLab reports whether the catalogue has the lab.
func (i *catalogueImport) hasLab(id int) bool {
	return slices.ContainsFunc(i.catalogue.Labs, func(l order.Lab) bool { return l.ID == id })
}

func encodeDocument[T any](entry T) (string, error) { return encodeJSON(entry) }
