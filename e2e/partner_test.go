package e2e

import (
	"context"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/e2e/drive"
	"github.com/aliquot-labs/aliquot/labs/neutral"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// Our accounts at the neutral partner, all under one name.
const (
	partnerAccount = "clinic"
	partnerSecret  = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

// paces are the policies that package drive needs lab tests with.
var paces = map[string]string{
	"":             "",
	drive.Silent:   `{"deadlines":{"outbound_lost":"8s","inbound_lost":"8s"},"recovery":{"window":"8s","reminders":[]}}`,
	drive.Expiring: `{"deadlines":{"kit_expiry":"8s"}}`,
	drive.Early:    `{"book_before_requisition":true}`,
}

// partnerLabs are accounts at the neutral partner: two labs, of which one keeps the appointments at its own patient service centers,
// and two providers of phlebotomists.
var partnerLabs = map[string]string{
	"sim":   `{"collection_methods":["testkit","at_home_phlebotomy","on_site_collection"],"registrable":true}`,
	"quest": `{"collection_methods":["walk_in_test"],"schedule":true,"provider":"quest"}`,

	"getlabs":      `{"collection_methods":[],"schedule":true,"provider":"getlabs"}`,
	"phlebfinders": `{"collection_methods":[],"schedule":true,"provider":"phlebfinders","tiers":["appointment-request"]}`,
}

// seedPartner makes what a team needs to order by every collection method through the neutral protocol.
func (s *system) seedPartner() {
	s.partnerTests = map[string]string{}
	for slug, settings := range partnerLabs {
		s.seedPartnerAccount(slug, settings)
	}
	sim := s.seedPartnerLab(91, "sim", lifecycle.Testkit, lifecycle.AtHomePhlebotomy, lifecycle.OnSite)
	quest := s.seedPartnerLab(6, "quest", lifecycle.WalkIn)
	for pace := range paces {
		for _, method := range sim.CollectionMethods {
			s.seedPartnerTest(sim, method, pace)
		}
		s.seedPartnerTest(quest, drive.WalkIn, pace)
	}
}

func (s *system) seedPartnerLab(id int, slug string, methods ...lifecycle.Modality) order.Lab {
	lab := order.Lab{ID: id, Slug: slug, Name: "Simulated Laboratory", FirstLineAddress: "2 Lab Way", City: "Phoenix", Zipcode: "85004",
		SampleTypes: []string{"serum"}}
	for _, m := range methods {
		lab.CollectionMethods = append(lab.CollectionMethods, string(m))
	}
	require.NoError(s.t, s.store.PutLab(context.Background(), lab))
	return lab
}

func (s *system) seedPartnerTest(lab order.Lab, method, pace string) {
	name := method
	if pace != "" {
		name += "/" + pace
	}
	s.partnerTests[name] = uuid.NewString()
	require.NoError(s.t, s.store.PutLabTest(context.Background(), "", order.LabTest{
		ID: s.partnerTests[name], Slug: name, Name: "Lipids " + name, SampleType: "serum", Method: lifecycle.Modality(method),
		Status: "active", Lab: &lab, PanelIDs: []int{101}, Policy: []byte(paces[pace]),
	}))
}

func (s *system) seedPartnerAccount(slug, settings string) {
	require.NoError(s.t, s.store.PutLabAccount(context.Background(), store.LabAccount{
		ID: uuid.NewString(), TeamID: s.teamID, LabSlug: slug, Partner: neutral.Partner, Environment: store.Sandbox,
		BaseURL: s.labURL + "/neutral", User: partnerAccount, Token: partnerSecret, Status: "active", Settings: []byte(settings),
	}))
}

// driver is what drives the system from outside.
func (s *system) driver() *drive.System {
	return &drive.System{
		URL: s.url, Key: s.key, OperationsKey: s.opsKey, LabURL: s.labURL, LabUser: labUser, LabToken: labToken,
		PartnerURL: s.labURL + "/neutral", PartnerAccount: partnerAccount, PartnerSecret: partnerSecret,
		UserID: s.userID, Tests: s.partnerTests,
	}
}
