package dev

import (
	"strconv"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// The ids of the accounts that speak the neutral protocol, and of the tests of their labs.
const (
	QuestID        = "019a1100-0000-7000-8000-000000000004"
	NexusID        = "019a1100-0000-7000-8000-000000000005"
	GetlabsID      = "019a1100-0000-7000-8000-000000000006"
	PhlebFindersID = "019a1100-0000-7000-8000-000000000007"

	RegistrableID = "019a1100-0000-7000-8000-000000000201" // panel 101 of the simulated lab
	WalkInID      = "019a1100-0000-7000-8000-000000000202" // panel 201
	PhlebotomyID  = "019a1100-0000-7000-8000-000000000203" // panel 202
	OnSiteID      = "019a1100-0000-7000-8000-000000000204" // panel 203

	neutralPartner = "neutral"
)

// neutralAccounts are a lab whose samples are drawn, with patient service centers; a lab for kits that are registered later; and two
// phlebotomists, one for each tier. One simulated partner is all of them.
func neutralAccounts(secrets Secrets, labURL string) []store.LabAccount {
	account := func(id, slug, settings string) store.LabAccount {
		return store.LabAccount{
			ID: id, LabSlug: slug, Partner: neutralPartner, BaseURL: labURL + "/neutral",
			User: secrets.LabUser, Token: secrets.NeutralSecret, Settings: []byte(settings),
		}
	}
	return []store.LabAccount{
		account(QuestID, "quest", `{"collection_methods":["walk_in_test","at_home_phlebotomy","on_site_collection"],"cancel":true,`+
			`"schedule":true,"provider":"quest","tiers":["appointment-ready"]}`),
		account(NexusID, "nexus", `{"collection_methods":["testkit"],"registrable":true,"cancel":true,"correct":true}`),
		account(GetlabsID, "getlabs", `{"collection_methods":[],"schedule":true,"provider":"getlabs","tiers":["appointment-ready"]}`),
		account(PhlebFindersID, "phlebfinders",
			`{"collection_methods":[],"schedule":true,"provider":"phlebfinders","tiers":["appointment-request"]}`),
	}
}

// neutralTests are one test for each way of collecting a sample, with what each of them measures. Markers have the codes of the
// simulated lab, so that a single one can be ordered again.
func neutralTests() []order.LabTest {
	quest := &order.Lab{
		ID: 2, Slug: "quest", Name: "Quest Diagnostics", FirstLineAddress: "500 Plaza Drive", City: "Secaucus", Zipcode: "07094",
		CollectionMethods: []string{string(lifecycle.WalkIn), string(lifecycle.AtHomePhlebotomy), string(lifecycle.OnSite)},
		SampleTypes:       []string{"serum"},
	}
	nexus := &order.Lab{
		ID: 3, Slug: "nexus", Name: "Nexus", FirstLineAddress: "1 Nexus Way", City: "San Diego", Zipcode: "92121",
		CollectionMethods: []string{string(lifecycle.Testkit)}, SampleTypes: []string{"dried_blood_spot"},
	}
	test := func(id, slug, name string, method lifecycle.Modality, lab *order.Lab, measured []order.Marker) order.LabTest {
		return order.LabTest{
			ID: id, Slug: slug, Name: name, Description: name, SampleType: lab.SampleTypes[0], Method: method, Status: "active",
			CommonTATDays: new(2), WorstCaseTATDays: new(5), Lab: lab, Markers: measured,
		}
	}
	return []order.LabTest{
		test(RegistrableID, "lipids-later", "Lipids, registered later", lifecycle.Testkit, nexus, coded(1010, markers(nexus.ID, 31010,
			[]string{"Total Cholesterol", "HDL Cholesterol", "LDL Cholesterol", "Triglycerides"},
			[]string{"2093-3", "2085-9", "13457-7", "2571-8"}, "mg/dL"))),
		test(WalkInID, "metabolic", "Metabolic panel", lifecycle.WalkIn, quest, coded(2010, markers(quest.ID, 22010,
			[]string{"Glucose", "Sodium", "Potassium", "Creatinine", "eGFR", "C-Reactive Protein"},
			[]string{"2345-7", "2951-2", "2823-3", "2160-0", "98979-8", "30522-7"}, ""))),
		test(PhlebotomyID, "blood-count", "Complete blood count", lifecycle.AtHomePhlebotomy, quest, coded(2020, markers(quest.ID, 22020,
			[]string{"White Blood Cell Count", "Red Blood Cell Count", "Hemoglobin", "Platelet Count", "Smear Review"},
			[]string{"6690-2", "789-8", "718-7", "777-3", "5909-7"}, ""))),
		test(OnSiteID, "a1c", "Hemoglobin A1c", lifecycle.OnSite, quest, coded(2030, markers(quest.ID, 22030,
			[]string{"Hemoglobin A1c"}, []string{"4548-4"}, "%"))),
	}
}

// coded gives the markers the lab's codes, which follow one another.
func coded(first int, all []order.Marker) []order.Marker {
	for i := range all {
		code := strconv.Itoa(first + i)
		all[i].ProviderID = &code
	}
	return all
}
