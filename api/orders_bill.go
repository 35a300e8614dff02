package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// Who orders a test, and who pays for it: the rules of client-api#8-orders that a lab account decides.

const billCommercial = "commercial_insurance"

// orderer is who orders: the team's own physician or, where it names nobody, the one of the account's network. An account that is
// delegated to the team wants the team's own; the network's wants to know what the patient has consented to.
func orderer(own *order.Physician, profile store.AccountProfile, consents []order.Consent) (*order.Physician, error) {
	switch {
	case own != nil:
		return own, nil
	case profile.Delegated():
		return nil, refuse("A physician is required by this lab account")
	case profile.NetworkPhysician != nil && len(consents) == 0:
		return nil, refuse("The patient's consents are required, because the network physician orders")
	}
	return profile.NetworkPhysician, nil
}

// billable refuses a way of billing that the account does not allow for patients of the state; an empty state is not known yet.
func billable(billing string, profile store.AccountProfile, state string) error {
	switch {
	case !profile.Bills(billing, ""):
		return refuse("Billing type " + billing + " is not available for this lab account")
	case !profile.Bills(billing, state):
		return refuse("Billing type " + billing + " is not available for this lab account in " + state)
	}
	return nil
}

// bill decides how an order is billed, which has its user, its address and its diagnoses. Orders that were placed elsewhere name no
// diagnoses.
func (s *server) bill(ctx context.Context, o *order.Order, billing string, profile store.AccountProfile) error {
	if err := billable(billing, profile, o.Address.State); err != nil {
		return err
	}
	o.BillingType = billing
	if billing != billCommercial {
		return nil
	}
	isValid := func(code string) bool { return s.Billing.Check(code) == nil }
	if !o.Imported && !slices.ContainsFunc(o.ICDCodes, isValid) {
		return refuse("At least one valid ICD-10-CM code is required to bill commercial insurance")
	}
	_, err := s.Store.UserInfo(ctx, o.TeamID, o.UserID)
	if errors.Is(err, store.ErrNotFound) {
		return refuse("The user has no user info, which is required to bill commercial insurance")
	}
	if err != nil {
		return err
	}
	record, err := s.Store.LatestInsurance(ctx, o.TeamID, o.UserID, true)
	if errors.Is(err, store.ErrNotFound) {
		return refuse("The user has no primary insurance, which is required to bill commercial insurance")
	}
	if err != nil {
		return err
	}
	insurance, err := readInsurance(record)
	if err != nil {
		return err
	}
	o.InsuranceID = record.ID
	o.Cover, err = s.coverOf(insurance)
	return err
}

// coverOf is the insurance as the order keeps it.
func (s *server) coverOf(in ClientFacingInsurance) (*order.Cover, error) {
	dob, err := order.ParseDate(in.Insured.DOB)
	if err != nil {
		return nil, fmt.Errorf("reading the date of birth of the insured person: %w", err)
	}
	p := in.Insured
	payor, _ := s.Billing.Payor(in.PayorCode)
	out := &order.Cover{
		PayorCode: in.PayorCode, PayorName: in.Company.Name, PayorAddress: in.Company.Address.address(), MemberID: in.MemberID,
		GroupID: in.GroupID, Relationship: in.Relationship, Medicare: payor.Medicare,
		Insured: order.Insured{
			FirstName: p.FirstName, LastName: p.LastName, DOB: &dob, Gender: p.Gender, Phone: p.PhoneNumber, Email: p.Email,
			Address: p.Address.address(),
		},
	}
	if g := in.Guarantor; g != nil {
		out.Guarantor = &order.Insured{
			FirstName: g.FirstName, LastName: g.LastName, Phone: g.PhoneNumber, Email: deref(g.Email), Address: g.Address.address(),
		}
	}
	return out, nil
}

// insure gives an order the insurance that came with it.
func insure(o *order.Order, in *HealthInsuranceCreateRequest) (err error) {
	if in == nil {
		return nil
	}
	o.InsuranceID = newID()
	o.Insurance, err = in.document()
	return err
}

// standIn gives a minor whose order names no proxy the one whom the user's info names.
func (s *server) standIn(ctx context.Context, p *order.Patient, userID string) error {
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

// keepPhysician remembers who has ordered. The order stands whether that works or not.
func (s *server) keepPhysician(ctx context.Context, p *order.Physician) {
	if p == nil {
		return
	}
	if err := s.Store.KeepPhysician(ctx, callerOf(ctx).team.ID, *p); err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "who ordered is not remembered", slog.Any("error", err))
	}
}
