package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// This file holds locations: patient service centers, phlebotomy coverage and the centers of postal codes.

// importCoverage replaces the phlebotomy coverage of the providers that the catalogue has.
func (i *catalogueImport) importCoverage(ctx context.Context) error {
	have, err := i.storedDocuments(ctx, `SELECT provider || ' ' || from_zip || ' ' || to_zip, service_types FROM coverage`)
	if err != nil {
		return err
	}
	listed := map[string]bool{}
	for _, a := range i.catalogue.PhlebotomyAreas {
		types, err := encodeJSON(a.ServiceTypes)
		if err != nil {
			return err
		}
		key := strings.Join([]string{a.Provider, a.FirstZip, a.LastZip}, " ")
		listed[key] = true
		if !i.changes.Coverage.countEntry(have, key, types) {
			continue
		}
		if _, err := i.tx.ExecContext(ctx,
			`INSERT INTO coverage (provider, from_zip, to_zip, service_types) VALUES ($1, $2, $3, $4)
			ON CONFLICT (provider, from_zip, to_zip) DO UPDATE SET service_types = excluded.service_types`,
			a.Provider, a.FirstZip, a.LastZip, types); err != nil {
			return fmt.Errorf("writing phlebotomy coverage of %s: %w", a.Provider, err)
		}
	}
	for key := range have {
		area := strings.Fields(key)
		if listed[key] || !slices.Contains(i.catalogue.PhlebotomyProviders(), area[0]) {
			continue
		}
		i.changes.Coverage.Retired++
		if _, err := i.tx.ExecContext(ctx, `DELETE FROM coverage WHERE provider = $1 AND from_zip = $2 AND to_zip = $3`,
			area[0], area[1], area[2]); err != nil {
			return fmt.Errorf("removing phlebotomy coverage of %s: %w", area[0], err)
		}
	}
	return nil
}

func (i *catalogueImport) importZips(ctx context.Context) error {
	have := map[string]string{}
	known, err := sqldb.QueryAll(ctx, i.tx, scanZip, `SELECT zip, lat, lng FROM zips`)
	if err != nil {
		return err
	}
	for _, z := range known {
		have[z.Zip] = z.coordinatesText()
	}
	for _, z := range i.catalogue.ZipCenters {
		row := zipRow(z)
		if !i.changes.Zips.countEntry(have, row.Zip, row.coordinatesText()) {
			continue
		}
		if _, err := i.tx.ExecContext(ctx, `INSERT INTO zips (zip, lat, lng) VALUES ($1, $2, $3)
			ON CONFLICT (zip) DO UPDATE SET lat = excluded.lat, lng = excluded.lng`, z.Zip, z.Lat, z.Lng); err != nil {
			return fmt.Errorf("writing the center of a zip: %w", err)
		}
	}
	return nil
}

type zipRow order.ZipCenter

func (z zipRow) coordinatesText() string {
	return strconv.FormatFloat(z.Lat, 'g', -1, 64) + " " + strconv.FormatFloat(z.Lng, 'g', -1, 64)
}

func scanZip(row sqldb.Scanner) (z zipRow, err error) {
	err = row.Scan(&z.Zip, &z.Lat, &z.Lng)
	return z, err
}

func scanSite(row sqldb.Scanner) (order.Site, error) {
	text, err := sqldb.ScanText(row)
	if err != nil {
		return order.Site{}, err
	}
	var s order.Site
	return s, decodeJSON(text, &s)
}

// Sites lists a lab's patient service centers that are in service and lie in a rectangle.
func (s *Store) Sites(ctx context.Context, labID int, southWest, northEast order.Point) ([]order.Site, error) {
	all, err := sqldb.QueryAll(ctx, s.db.Reader, scanSite, `SELECT document FROM sites
		WHERE lab_id = $1 AND NOT inactive AND lat BETWEEN $2 AND $3 AND lng BETWEEN $4 AND $5 ORDER BY code`,
		labID, southWest.Lat, northEast.Lat, southWest.Lng, northEast.Lng)
	if err != nil {
		return nil, fmt.Errorf("listing the sites of lab %d: %w", labID, err)
	}
	return all, nil
}

// SiteCodes lists the codes of a lab's patient service centers that are in service.
func (s *Store) SiteCodes(ctx context.Context, labSlug string) ([]string, error) {
	codes, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanText, `SELECT s.code FROM sites s
		JOIN labs l ON l.id = s.lab_id WHERE l.slug = $1 AND NOT s.inactive ORDER BY s.code`, labSlug)
	if err != nil {
		return nil, fmt.Errorf("listing the codes of the sites of a lab: %w", err)
	}
	return codes, nil
}

// LabsWithSites lists the ids of labs that have patient service centers in service.
func (s *Store) LabsWithSites(ctx context.Context) ([]int, error) {
	all, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanInt,
		`SELECT DISTINCT lab_id FROM sites WHERE NOT inactive ORDER BY lab_id`)
	if err != nil {
		return nil, fmt.Errorf("listing labs with sites: %w", err)
	}
	return all, nil
}

// ZipCenter returns the center of a postal code of five digits. If the catalogue does not have it, the result is the
// mean of the postal codes with the same first three digits. The error is ErrNotFound when there is none.
func (s *Store) ZipCenter(ctx context.Context, zip string) (order.Point, error) {
	z, err := sqldb.QueryOne(ctx, s.db.Reader, scanZip, `SELECT zip, lat, lng FROM zips WHERE zip = $1`, zip)
	if errors.Is(err, ErrNotFound) {
		z, err = sqldb.QueryOne(ctx, s.db.Reader, scanZipAverage,
			`SELECT AVG(lat), AVG(lng) FROM zips WHERE zip BETWEEN $1 AND $2`,
			zip[:3]+"00", zip[:3]+"99")
	}
	if err != nil {
		return order.Point{}, fmt.Errorf("reading the center of a zip: %w", err)
	}
	return z.Point, nil
}

func scanZipAverage(row sqldb.Scanner) (zipRow, error) {
	var lat, lng sql.Null[float64]
	if err := row.Scan(&lat, &lng); err != nil {
		return zipRow{}, err
	}
	if !lat.Valid || !lng.Valid {
		return zipRow{}, ErrNotFound
	}
	return zipRow{Point: order.Point{Lat: lat.V, Lng: lng.V}}, nil
}

// PhlebotomyCoverage lists the areas served by phlebotomists that contain a postal code of five digits, by provider.
func (s *Store) PhlebotomyCoverage(ctx context.Context, zip string) ([]order.PhlebotomyArea, error) {
	all, err := sqldb.QueryAll(ctx, s.db.Reader, scanCoverage,
		`SELECT provider, from_zip, to_zip, service_types FROM coverage WHERE $1 BETWEEN from_zip AND to_zip
			ORDER BY provider, from_zip, to_zip`, zip)
	if err != nil {
		return nil, fmt.Errorf("reading the phlebotomy coverage of a zip: %w", err)
	}
	return all, nil
}

func scanCoverage(row sqldb.Scanner) (order.PhlebotomyArea, error) {
	var a order.PhlebotomyArea
	var types string
	if err := row.Scan(&a.Provider, &a.FirstZip, &a.LastZip, &types); err != nil {
		return a, err
	}
	return a, decodeJSON(types, &a.ServiceTypes)
}
