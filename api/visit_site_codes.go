package api

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aliquot-labs/aliquot/labs"
)

// cleanSiteCodes returns the codes of a request without blanks around them, without empty ones, and each once.
func cleanSiteCodes(codes []string) []string {
	var out []string
	for _, code := range codes {
		if code = strings.TrimSpace(code); code != "" && !slices.Contains(out, code) {
			out = append(out, code)
		}
	}
	return out
}

// checkSiteCodes refuses codes that the catalogue does not have for the lab, or that are out of service, and returns
// which of them it has. A lab without sites in the catalogue has any code.
func (s *server) checkSiteCodes(ctx context.Context, labSlug string, codes []string) (known []string, err error) {
	if len(codes) == 0 {
		return nil, nil
	}
	listed, err := s.Store.SiteCodes(ctx, labSlug)
	if err != nil || len(listed) == 0 {
		return nil, err
	}
	for _, code := range codes {
		if !slices.Contains(listed, code) {
			return nil, unknownSiteError()
		}
	}
	return codes, nil
}

func unknownSiteError() *Error {
	return badRequest("site_codes has a code that the lab does not have, or that is not in service")
}

// siteBySite asks a provider for the free slots of each site by itself if the provider refuses to answer for all. So a
// site whose appointments are not made through the provider does not hide the slots of the others.
type siteBySite struct {
	labs.Scheduler
	known   []string // codes that the catalogue has
	unknown []string // codes that neither the catalogue nor the provider has
}

// Availability implements labs.Scheduler.
func (p *siteBySite) Availability(ctx context.Context, q labs.AvailabilityQuery) (labs.Availability, error) {
	all, err := p.Scheduler.Availability(ctx, q)
	if !isRefused(err) || len(q.Sites) == 0 {
		return all, err
	}
	var out labs.Availability
	for _, code := range q.Sites {
		one := q
		one.Sites = []string{code}
		got, err := all, err
		if len(q.Sites) > 1 {
			got, err = p.Scheduler.Availability(ctx, one)
		}
		switch {
		case err == nil:
			out.Zone, out.Days = got.Zone, append(out.Days, got.Days...)
		case !isRefused(err):
			return out, err
		case !slices.Contains(p.known, code):
			p.unknown = append(p.unknown, code)
		}
	}
	return out, nil
}

func isRefused(err error) bool {
	_, refused := errors.AsType[*labs.RefusedError](err)
	return refused
}
