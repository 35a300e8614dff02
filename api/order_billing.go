package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// OwnTeamPath names a team, which has to be the caller's.
type OwnTeamPath struct {
	TeamID string `path:"team_id" format:"uuid"`
}

func (s *server) physicianRoutes() {
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "list-physicians", Method: http.MethodGet, Path: "/v2/team/{team_id}/physicians",
		Tags:    []string{tagOrders},
		Summary: "List the physicians who have ordered for the team", Errors: []int{http.StatusNotFound},
		Description: "Whoever an order names is remembered by the NPI, with the newest details.",
	}, s.listPhysicians)
}

func (s *server) listPhysicians(ctx context.Context, in *OwnTeamPath) (*body[[]junction.ClientFacingPhysician], error) {
	team := callerOf(ctx).team.ID
	if canonicalUUID(in.TeamID) != team {
		return nil, notFoundError("Team")
	}
	all, err := s.Store.Physicians(ctx, team)
	if err != nil {
		return nil, err
	}
	return newAnswer(convertAll(all, func(p order.Physician) junction.ClientFacingPhysician {
		return junction.ClientFacingPhysician{FirstName: p.FirstName, LastName: p.LastName, NPI: p.NPI}
	})), nil
}

// Who orders a test, and who pays for it: the rules of client-api#8-orders that a lab account decides.

const billCommercial = "commercial_insurance"

// resolvePhysician is who orders: the team's own physician or, where it names nobody, the one of the account's network. An account that is
// delegated to the team wants the team's own; the network's wants to know what the patient has consented to.
func resolvePhysician(own *order.Physician, profile store.AccountProfile,
	consents []order.Consent) (*order.Physician, error) {
	switch {
	case own != nil:
		return own, nil
	case profile.RequiresOwnPhysician():
		return nil, badRequest("A physician is required by this lab account")
	case profile.NetworkPhysician != nil && len(consents) == 0:
		return nil, badRequest("The patient's consents are required, because the network physician orders")
	}
	return profile.NetworkPhysician, nil
}

// checkBilling refuses a way of billing that the account does not allow for patients of the state; an empty state is not known yet.
func checkBilling(billing string, profile store.AccountProfile, state string) error {
	switch {
	case !profile.AllowsBilling(billing, ""):
		return badRequest("Billing type " + billing + " is not available for this lab account")
	case !profile.AllowsBilling(billing, state):
		return badRequest("Billing type " + billing + " is not available for this lab account in " + state)
	}
	return nil
}

// setBilling decides how an order is billed, which has its user, its address and its diagnoses. Orders that were placed elsewhere name no
// diagnoses.
func (s *server) setBilling(ctx context.Context, o *order.Order, billing string, profile store.AccountProfile) error {
	if err := checkBilling(billing, profile, o.Address.State); err != nil {
		return err
	}
	o.BillingType = billing
	if billing != billCommercial {
		return nil
	}
	isValid := func(code string) bool { return s.Billing.CheckDiagnosisCode(code) == nil }
	if !o.Imported && !slices.ContainsFunc(o.ICDCodes, isValid) {
		return badRequest("At least one valid ICD-10-CM code is required to bill commercial insurance")
	}
	_, err := s.Store.UserInfo(ctx, o.TeamID, o.UserID)
	if errors.Is(err, store.ErrNotFound) {
		return badRequest("The user has no user info, which is required to bill commercial insurance")
	}
	if err != nil {
		return err
	}
	record, err := s.Store.LatestInsurance(ctx, o.TeamID, o.UserID, true)
	if errors.Is(err, store.ErrNotFound) {
		return badRequest("The user has no primary insurance, which is required to bill commercial insurance")
	}
	if err != nil {
		return err
	}
	insurance, err := decodeInsurance(record)
	if err != nil {
		return err
	}
	o.InsuranceID = record.ID
	o.BilledInsurance, err = s.toBilledInsurance(insurance)
	return err
}

// toBilledInsurance is the insurance as the order keeps it.
func (s *server) toBilledInsurance(in ClientFacingInsurance) (*order.BilledInsurance, error) {
	dob, err := order.ParseDate(in.Insured.DOB)
	if err != nil {
		return nil, fmt.Errorf("reading the date of birth of the insured person: %w", err)
	}
	p := in.Insured
	payor, _ := s.Billing.PayorByCode(in.PayorCode)
	out := &order.BilledInsurance{
		PayorCode: in.PayorCode, PayorName: in.Company.Name, PayorAddress: in.Company.Address.toOrderAddress(),
		MemberID: in.MemberID,
		GroupID:  in.GroupID, Relationship: in.Relationship, Medicare: payor.Medicare,
		Insured: order.InsuredPerson{
			FirstName: p.FirstName, LastName: p.LastName, DOB: &dob, Gender: p.Gender, Phone: p.PhoneNumber, Email: p.Email,
			Address: p.Address.toOrderAddress(),
		},
	}
	if g := in.Guarantor; g != nil {
		out.Guarantor = &order.InsuredPerson{
			FirstName: g.FirstName, LastName: g.LastName, Phone: g.PhoneNumber, Email: emptyIfNil(g.Email),
			Address: g.Address.toOrderAddress(),
		}
	}
	return out, nil
}

// attachInsurance gives an order the insurance that came with it.
func attachInsurance(o *order.Order, in *HealthInsuranceCreateRequest) (err error) {
	if in == nil {
		return nil
	}
	o.InsuranceID = newID()
	o.Insurance, err = in.toJSON()
	return err
}

// setProxyFromUserInfo gives a minor whose order names no proxy the one whom the user's info names.
func (s *server) setProxyFromUserInfo(ctx context.Context, p *order.Patient, userID string) error {
	c := callerOf(ctx)
	if p.MedicalProxy != nil || p.DOB.YearsUntil(c.today) >= adultAge {
		return nil
	}
	document, err := s.Store.UserInfo(ctx, c.team.ID, userID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var info UserInfo
	if err := json.Unmarshal(document, &info); err != nil {
		return fmt.Errorf("decoding who user %s is: %w", userID, err)
	}
	if info.MedicalProxy != nil {
		p.MedicalProxy, err = json.Marshal(info.MedicalProxy)
	}
	return err
}

// rememberPhysician remembers who has ordered. The order stands whether that works or not.
func (s *server) rememberPhysician(ctx context.Context, p *order.Physician) {
	if p == nil {
		return
	}
	if err := s.Store.RememberPhysician(ctx, callerOf(ctx).team.ID, *p); err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "who ordered is not remembered", slog.Any("error", err))
	}
}
