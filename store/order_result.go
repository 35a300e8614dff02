package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// maxVersionTries is how often StoreLabReport tries to insert the next version when other fetches of the same order
// insert it first.
const maxVersionTries = 5

const resultColumns = `r.id, r.order_id, r.version, r.visible, r.hash, r.report, r.pdf IS NOT NULL, r.fetched_at`

// StoreLabReport stores a lab report that was fetched: verbatim in raw, decoded in r, and its PDF (nil: none). The hash
// is that of the content by which corrections are recognized.
//
// A lab report that equals the newest version is that version again; a PDF that arrives after its report is added to
// it. Any other lab report becomes the next version, which is not visible to the client until a recording publishes it.
// changed says whether the content differs from the version that the client sees. Therefore a fetch that is repeated
// after a crash, before its recording, returns the same result as the first time.
func (s *Store) StoreLabReport(ctx context.Context, orderID string, generation int, r order.LabReport, hash string, raw,
	pdf []byte) (order.ResultVersion, bool, error) {
	report := labReportRow{ResultVersion: order.ResultVersion{OrderID: orderID, Hash: hash, Report: r},
		generation: generation, raw: raw, pdf: pdf}
	var changed bool
	var err error
	for range maxVersionTries {
		err = s.db.InTx(ctx, func(tx *sql.Tx) (err error) {
			changed, err = s.storeLabReport(ctx, tx, &report)
			return err
		})
		if !sqldb.IsUniqueViolation(err) {
			break
		}
	}
	if err != nil {
		return order.ResultVersion{}, false, fmt.Errorf("storing a lab report of order %s: %w", orderID, err)
	}
	return report.ResultVersion, changed, nil
}

// labReportRow holds the column values of a lab report.
type labReportRow struct {
	order.ResultVersion
	generation int
	raw, pdf   []byte
}

func (s *Store) storeLabReport(ctx context.Context, tx *sql.Tx, r *labReportRow) (changed bool, err error) {
	shown, err := s.newestResult(ctx, tx, r.OrderID, true)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return false, err
	}
	newest, err := s.newestResult(ctx, tx, r.OrderID, false)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return false, err
	}
	changed = shown.Hash != r.Hash
	if newest.Version > 0 && newest.Hash == r.Hash {
		r.ResultVersion = newest
		return changed, s.addResultPDF(ctx, tx, r)
	}
	r.ID, r.Version, r.FetchedAt, r.HasPDF = sqldb.NewID(), newest.Version+1, s.now(), r.pdf != nil
	return changed, s.insertResult(ctx, tx, r)
}

func (s *Store) insertResult(ctx context.Context, tx *sql.Tx, r *labReportRow) error {
	report, err := s.keys.SealJSON(sealContext("results", r.ID, "report"), r.Report)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx,
		`INSERT INTO results (id, order_id, version, generation, visible, hash, report, raw, pdf, fetched_at)
		VALUES ($1, $2, $3, $4, FALSE, $5, $6, $7, $8, $9)`,
		r.ID, r.OrderID, r.Version, r.generation, r.Hash, report,
		s.sealBytes(sealContext("results", r.ID, "raw"), r.raw), s.sealBytes(sealContext("results", r.ID, "pdf"), r.pdf),
		sqldb.ToMicros(r.FetchedAt))
	return err
}

func (s *Store) addResultPDF(ctx context.Context, tx *sql.Tx, r *labReportRow) error {
	if r.HasPDF || r.pdf == nil {
		return nil
	}
	r.HasPDF = true
	_, err := tx.ExecContext(ctx, `UPDATE results SET pdf = $1 WHERE id = $2`,
		s.keys.Seal(sealContext("results", r.ID, "pdf"), r.pdf), r.ID)
	return err
}

// setResultVisible makes a result version visible to the client, within the recording's transaction. The error is
// ErrNotFound when the order has no such version.
func (s *Store) setResultVisible(ctx context.Context, tx *sql.Tx, orderID, resultID string) error {
	n, err := sqldb.ExecCount(ctx, tx, `UPDATE results SET visible = TRUE WHERE id = $1 AND order_id = $2`, resultID,
		orderID)
	if err != nil {
		return fmt.Errorf("showing result %s: %w", resultID, err)
	}
	if n == 0 {
		return fmt.Errorf("showing result %s of order %s: %w", resultID, orderID, ErrNotFound)
	}
	return nil
}

// NewestResult reads the newest visible result version. The replica may answer, as in CurrentOrder. The error is
// ErrNotFound when there is none, or when the order belongs to another team.
func (s *Store) NewestResult(ctx context.Context, teamID, orderID string) (v order.ResultVersion, err error) {
	err = s.readCurrent(ctx, orderFilter(teamID, orderID), func(ctx context.Context, q sqldb.Querier) error {
		v, err = s.newestResultOf(ctx, q, teamID, orderID)
		return err
	})
	if err != nil {
		return order.ResultVersion{}, fmt.Errorf("reading the results of order %s: %w", orderID, err)
	}
	return v, nil
}

// ResultPDF reads the PDF of the newest visible result version. The replica may answer, as in CurrentOrder. The error
// is ErrNotFound when there is none, or when the order belongs to another team.
func (s *Store) ResultPDF(ctx context.Context, teamID, orderID string) (pdf []byte, err error) {
	err = s.readCurrent(ctx, orderFilter(teamID, orderID), func(ctx context.Context, q sqldb.Querier) error {
		v, err := s.newestResultOf(ctx, q, teamID, orderID)
		if err != nil {
			return err
		}
		sealed, err := sqldb.QueryOne(ctx, q, sqldb.ScanBytes,
			`SELECT pdf FROM results WHERE id = $1 AND pdf IS NOT NULL`, v.ID)
		if err != nil {
			return err
		}
		pdf, err = s.keys.Open(sealContext("results", v.ID, "pdf"), sealed)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the PDF of order %s: %w", orderID, err)
	}
	return pdf, nil
}

// newestResultOf reads the newest visible result version of an order of a team.
func (s *Store) newestResultOf(ctx context.Context, q sqldb.Querier, teamID,
	orderID string) (order.ResultVersion, error) {
	if err := checkOrderTeam(ctx, q, teamID, orderID); err != nil {
		return order.ResultVersion{}, err
	}
	return s.newestResult(ctx, q, orderID, true)
}

// newestResult reads the newest result version, or the newest visible one.
func (s *Store) newestResult(ctx context.Context, q sqldb.Querier, orderID string,
	visibleOnly bool) (order.ResultVersion, error) {
	return sqldb.QueryOne(ctx, q, s.scanResult, `SELECT `+resultColumns+` FROM results r
		WHERE r.order_id = $1 AND (r.visible OR NOT $2) ORDER BY r.version DESC LIMIT 1`, orderID, visibleOnly)
}

func (s *Store) scanResult(row sqldb.Scanner) (order.ResultVersion, error) {
	var v order.ResultVersion
	var report []byte
	var fetched int64
	if err := row.Scan(&v.ID, &v.OrderID, &v.Version, &v.Visible, &v.Hash, &report, &v.HasPDF, &fetched); err != nil {
		return order.ResultVersion{}, err
	}
	if err := s.keys.OpenJSON(sealContext("results", v.ID, "report"), report, &v.Report); err != nil {
		return order.ResultVersion{}, err
	}
	v.FetchedAt = sqldb.FromMicros(fetched)
	return v, nil
}

// checkOrderTeam returns ErrNotFound when the order does not belong to the team. An empty teamID allows any order.
func checkOrderTeam(ctx context.Context, q sqldb.Querier, teamID, orderID string) error {
	if teamID == "" {
		return nil
	}
	_, err := sqldb.QueryOne(ctx, q, sqldb.ScanText, `SELECT id FROM orders WHERE id = $1 AND team_id = $2`,
		orderID, teamID)
	return err
}

// requisitionLinkPurpose is the purpose of the signature in a link that opens a requisition without an API key.
const requisitionLinkPurpose = "requisition without a key"

// RequisitionPath is the path of requisition links, below the API's public address.
const RequisitionPath = "/requisitions/"

// requisitionLinkDays is the number of whole days, after the current one, for which a link is valid
// (client-api#16-shared-schemas). A link changes only once a day, so an order that is read twice is usually the same.
const requisitionLinkDays = 7

// requisitionLink is the signed content of a link.
type requisitionLink struct {
	TeamID  string `json:"team"`
	OrderID string `json:"order"`
	Until   int64  `json:"until"` // seconds since 1970
}

// requisitionURL returns the link that opens the order's requisition without an API key. It is empty before the
// requisition exists, and on a server without a public address.
func (s *Store) requisitionURL(o *order.Order) (string, error) {
	if s.publicURL == "" || o.SampleID == "" || o.Patient == nil || o.Imported {
		return "", nil
	}
	until := s.now().Truncate(24*time.Hour).AddDate(0, 0, requisitionLinkDays+1)
	ticket, err := json.Marshal(requisitionLink{TeamID: o.TeamID, OrderID: o.ID, Until: until.Unix()})
	if err != nil {
		return "", fmt.Errorf("writing the address of the requisition of order %s: %w", o.ID, err)
	}
	return s.publicURL + RequisitionPath + s.Sign(requisitionLinkPurpose, ticket), nil
}

// RequisitionOrder returns the order whose requisition a link opens. signed is the last part of the link's path. The
// error is ErrNotFound when the signature is wrong or the link has expired.
func (s *Store) RequisitionOrder(signed string) (teamID, orderID string, err error) {
	b, err := s.Verify(requisitionLinkPurpose, signed)
	if err != nil {
		return "", "", ErrNotFound
	}
	var t requisitionLink
	if err := json.Unmarshal(b, &t); err != nil || s.now().Unix() >= t.Until {
		return "", "", ErrNotFound
	}
	return t.TeamID, t.OrderID, nil
}
