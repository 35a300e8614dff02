package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/aliquot-labs/aliquot/order"
)

// entries are those of one kind in a catalogue, and how the store keeps that kind: as documents by a key.
type entries[T any] struct {
	tally    *Tally
	listed   []T
	key      func(T) string
	have     string // the query for all keys and documents
	of       []any  // parameters of the queries
	document func(T) (string, error)
	write    func(ctx context.Context, entry T, document string) error

	// What the store has and the catalogue does not is retired: taken out of service, and never removed, since orders name it. retire
	// does that with an entry that is in service and of the catalogue's labs; nil: there is no such thing.
	all    string // the query for all entries
	scan   func(scanner) (T, error)
	retire func(*T) bool
}

// put writes the entries that are not in the store as they are, and then retires the others where the import is to do that.
func (e entries[T]) put(ctx context.Context, i *catalogueImport) error {
	have, err := i.stored(ctx, e.have, e.of...)
	if err != nil {
		return err
	}
	listed := map[string]bool{}
	for _, entry := range e.listed {
		key := e.key(entry)
		listed[key] = true
		document, err := e.document(entry)
		if err != nil {
			return err
		}
		if !e.tally.put(have, key, document) {
			continue
		}
		if err := e.write(ctx, entry, document); err != nil {
			return err
		}
	}
	if !i.how.Retire || e.retire == nil {
		return nil
	}
	return e.retireOthers(ctx, i, listed)
}

func (e entries[T]) retireOthers(ctx context.Context, i *catalogueImport, listed map[string]bool) error {
	all, err := collect(ctx, i.tx, e.scan, e.all, e.of...)
	if err != nil {
		return err
	}
	for _, entry := range all {
		if listed[e.key(entry)] || !e.retire(&entry) {
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
	return entries[order.Lab]{
		tally: &i.done.Labs, listed: i.c.Labs,
		key:  func(l order.Lab) string { return strconv.Itoa(l.ID) },
		have: `SELECT CAST(id AS TEXT), document FROM labs`, document: encoded[order.Lab],
		write: func(ctx context.Context, l order.Lab, _ string) error { return putLab(ctx, i.tx, l) },
	}.put(ctx, i)
}

func (i *catalogueImport) markers(ctx context.Context) error {
	return entries[order.Marker]{
		tally: &i.done.Markers, listed: i.c.Markers,
		key:  func(m order.Marker) string { return strconv.FormatInt(m.ID, 10) },
		have: `SELECT CAST(id AS TEXT), document FROM markers`, document: encoded[order.Marker],
		write: i.writeMarker,
		all:   `SELECT document FROM markers ORDER BY id`, scan: scanMarker,
		retire: func(m *order.Marker) bool {
			serves := !m.Inactive && i.ofLabs(*m.LabID)
			m.Inactive = true
			return serves
		},
	}.put(ctx, i)
}

func (i *catalogueImport) writeMarker(ctx context.Context, m order.Marker, document string) error {
	i.changed[m.ID] = m
	_, err := i.tx.ExecContext(ctx, `INSERT INTO markers (id, lab_id, document, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET lab_id = excluded.lab_id, document = excluded.document, updated_at = excluded.updated_at`,
		m.ID, m.LabID, document, micros(i.s.now()))
	if err != nil {
		return fmt.Errorf("writing marker %d: %w", m.ID, err)
	}
	return nil
}

func (i *catalogueImport) labTests(ctx context.Context) error {
	return entries[order.LabTest]{
		tally: &i.done.LabTests, listed: i.c.LabTests, of: []any{i.how.TeamID},
		key:  func(t order.LabTest) string { return t.ID },
		have: `SELECT id, document FROM lab_tests WHERE team_id = $1`,
		document: func(t order.LabTest) (string, error) {
			t.Lab = nil // as it is kept
			return encode(t)
		},
		write: func(ctx context.Context, t order.LabTest, _ string) error {
			return i.s.putLabTest(ctx, i.tx, i.how.TeamID, t)
		},
		all:  `SELECT t.document, l.document FROM lab_tests t LEFT JOIN labs l ON l.id = t.lab_id WHERE t.team_id = $1 ORDER BY t.id`,
		scan: scanLabTest,
		retire: func(t *order.LabTest) bool {
			serves := t.Status != statusInactive && !t.AutoGenerated && t.Lab != nil && i.ofLabs(t.Lab.ID)
			t.Status = statusInactive
			return serves
		},
	}.put(ctx, i)
}

func (i *catalogueImport) sites(ctx context.Context) error {
	return entries[order.Site]{
		tally: &i.done.Sites, listed: i.c.Sites,
		key:  func(s order.Site) string { return strconv.Itoa(s.LabID) + " " + s.Code },
		have: `SELECT CAST(lab_id AS TEXT) || ' ' || code, document FROM sites`, document: encoded[order.Site],
		write: i.writeSite,
		all:   `SELECT document FROM sites ORDER BY lab_id, code`, scan: scanSite,
		retire: func(s *order.Site) bool {
			serves := !s.Inactive && i.ofLabs(s.LabID)
			s.Inactive = true
			return serves
		},
	}.put(ctx, i)
}

func (i *catalogueImport) writeSite(ctx context.Context, s order.Site, document string) error {
	_, err := i.tx.ExecContext(ctx, `INSERT INTO sites (lab_id, code, inactive, lat, lng, document, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (lab_id, code) DO UPDATE SET inactive = excluded.inactive, lat = excluded.lat, lng = excluded.lng,
			document = excluded.document, updated_at = excluded.updated_at`,
		s.LabID, s.Code, s.Inactive, s.Lat, s.Lng, document, micros(i.s.now()))
	if err != nil {
		return fmt.Errorf("writing site %s: %w", s.Code, err)
	}
	return nil
}

const statusInactive = "inactive"

// ofLabs reports whether the catalogue has the lab.
func (i *catalogueImport) ofLabs(id int) bool {
	return slices.ContainsFunc(i.c.Labs, func(l order.Lab) bool { return l.ID == id })
}

func encoded[T any](entry T) (string, error) { return encode(entry) }
