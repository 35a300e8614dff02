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

// OwnTeamPath names a team, which must be the caller's.
type OwnTeamPath struct {
	TeamID string `path:"team_id" format:"uuid"`
}

func (s *server) physicianRoutes() {
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "list-physicians", Method: http.MethodGet, Path: "/v2/team/{team_id}/physicians",
		Tags:    []string{tagOrders},
		Summary: "List the physicians of the team's orders", Errors: []int{http.StatusNotFound},
		Description: "Every physician whom an order of the team has named, once per NPI, with the details of the " +
			"newest order.",
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

// The rest of this file resolves who orders a lab test and who pays for it, by the rules of client-api#8-orders that
// depend on the lab account.

const billCommercial = "commercial_insurance"

// resolvePhysician returns the ordering physician: the team's own or, where the request names none, the one of the
// account's network. An account that is delegated to the team requires the team's own physician; a network physician
// requires the patient's consents.
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

// checkBilling refuses a billing type that the account does not allow for patients of the state. An empty state is not
// known yet; then the billing type must be allowed in some state.
func checkBilling(billingType string, profile store.AccountProfile, state string) error {
	switch {
	case !profile.AllowsBilling(billingType, ""):
		return badRequest("Billing type " + billingType + " is not available for this lab account")
	case !profile.AllowsBilling(billingType, state):
		return badRequest("Billing type " + billingType + " is not available for this lab account in " + state)
	}
	return nil
}

// setBilling checks the billing type of an order and sets it; for commercial insurance it also sets the user's primary
// insurance. The order must have its user, address and diagnosis codes. Imported orders need no diagnosis codes.
func (s *server) setBilling(ctx context.Context, o *order.Order, billingType string,
	profile store.AccountProfile) error {
	if err := checkBilling(billingType, profile, o.Address.State); err != nil {
		return err
	}
	o.BillingType = billingType
	if billingType != billCommercial {
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

// toBilledInsurance converts a user's insurance into the copy that the order stores.
func (s *server) toBilledInsurance(in ClientFacingInsurance) (*order.BilledInsurance, error) {
	dob, err := order.ParseDate(in.Insured.DOB)
	if err != nil {
		return nil, fmt.Errorf("reading the date of birth of the insured person: %w", err)
	}
	p := in.Insured
	payor, _ := s.Billing.PayorByCode(in.PayorCode)
	out := &order.BilledInsurance{
		PayorCode: in.PayorCode, PayorName: in.Company.Name, PayorAddress: in.Company.Address.toOrderAddress(),
		MemberID: in.MemberID, GroupID: in.GroupID, Relationship: in.Relationship, Medicare: payor.Medicare,
		Insured: order.InsuredPerson{
			FirstName: p.FirstName, LastName: p.LastName, DOB: &dob, Gender: p.Gender, Phone: p.PhoneNumber,
			Email: p.Email, Address: p.Address.toOrderAddress(),
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

// attachInsurance adds to an order the insurance of its request, under a new id.
func attachInsurance(o *order.Order, in *HealthInsuranceCreateRequest) (err error) {
	if in == nil {
		return nil
	}
	o.InsuranceID = newID()
	o.Insurance, err = in.toJSON()
	return err
}

// setProxyFromUserInfo sets the medical proxy of a minor from the user info, if the request names none.
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
		return fmt.Errorf("decoding the user info of user %s: %w", userID, err)
	}
	if info.MedicalProxy != nil {
		p.MedicalProxy, err = json.Marshal(info.MedicalProxy)
	}
	return err
}

// rememberPhysician stores a physician in the team's list. A failure is logged; it does not fail the order.
func (s *server) rememberPhysician(ctx context.Context, p *order.Physician) {
	if p == nil {
		return
	}
	if err := s.Store.RememberPhysician(ctx, callerOf(ctx).team.ID, *p); err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "a physician was not remembered", slog.Any("error", err))
	}
}
