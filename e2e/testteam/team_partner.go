package testteam

import (
	"context"

	"github.com/google/uuid"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/labs/neutral"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// ReplacingPolicy is a further policy of lab tests (scenario.System.LabTests). With it, a failed kit is replaced
// immediately.
const ReplacingPolicy = "replacing"

// testPolicies are the policies that the lab tests need.
var testPolicies = map[string]string{
	"": "",
	scenario.SilentPolicy: `{"deadlines":{"outbound_lost":"8s","inbound_lost":"8s"},` +
		`"recovery":{"window":"8s","reminders":[]}}`,
	scenario.ExpiringPolicy:     `{"deadlines":{"kit_expiry":"15s"}}`,
	scenario.EarlyBookingPolicy: `{"book_before_requisition":true}`,
	ReplacingPolicy:             `{"replacement":"auto"}`,
}

// partnerLabSettings are the settings of the accounts at the neutral partner: two labs, one of which has its own
// patient service centers, and two phlebotomy providers.
var partnerLabSettings = map[string]string{
	"sim":   `{"collection_methods":["testkit","at_home_phlebotomy","on_site_collection"],"registrable":true}`,
	"quest": `{"collection_methods":["walk_in_test"],"schedule":true,"provider":"quest"}`,

	"getlabs":      `{"collection_methods":[],"schedule":true,"provider":"getlabs"}`,
	"phlebfinders": `{"collection_methods":[],"schedule":true,"provider":"phlebfinders","tiers":["appointment-request"]}`,
}

// AddPartner creates the accounts and lab tests for ordering by every collection method through the neutral protocol.
// It returns the lab tests by the keys of scenario.System.LabTests.
func AddPartner(ctx context.Context, s *store.Store, teamID, labURL string) (tests map[string]string, err error) {
	for slug, settings := range partnerLabSettings {
		err := s.PutLabAccount(ctx, store.LabAccount{
			ID: uuid.NewString(), TeamID: teamID, LabSlug: slug, Partner: neutral.Partner, Environment: store.Sandbox,
			BaseURL: labURL + "/neutral", User: NeutralAccount, Token: NeutralSecret, Status: "active",
			Settings: []byte(settings),
		})
		if err != nil {
			return nil, err
		}
	}
	tests = map[string]string{}
	for _, lab := range []order.Lab{
		newPartnerLab(91, "sim", scenario.Testkit, scenario.Phlebotomy, scenario.OnSite),
		newPartnerLab(6, "quest", scenario.WalkIn),
	} {
		if err := s.PutLab(ctx, lab); err != nil {
			return nil, err
		}
		for pace := range testPolicies {
			for _, method := range lab.CollectionMethods {
				if err := importLabTest(ctx, s, lab, method, pace, tests); err != nil {
					return nil, err
				}
			}
		}
	}
	return tests, nil
}

func newPartnerLab(id int, slug string, methods ...string) order.Lab {
	return order.Lab{
		ID: id, Slug: slug, Name: "Simulated Laboratory", FirstLineAddress: "2 Lab Way", City: "Phoenix", Zipcode: "85004",
		SampleTypes: []string{"serum"}, CollectionMethods: methods,
	}
}

func importLabTest(ctx context.Context, s *store.Store, lab order.Lab, method, pace string,
	tests map[string]string) error {
	name := method
	if pace != "" {
		name += "/" + pace
	}
	tests[name] = uuid.NewString()
	return s.PutLabTest(ctx, "", order.LabTest{
		ID: tests[name], Slug: name, Name: "Lipids " + name, SampleType: "serum", Method: lifecycle.Modality(method),
		Status: "active", Lab: &lab, PanelIDs: []int{101}, Policy: []byte(testPolicies[pace]),
	})
}
