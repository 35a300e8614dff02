package dev

import "github.com/aliquot-labs/aliquot/store"

// The ids of the accounts that speak the neutral protocol, and of tests of their labs in the demonstration catalogue.
const (
	QuestID        = "019a1100-0000-7000-8000-000000000004"
	NexusID        = "019a1100-0000-7000-8000-000000000005"
	GetlabsID      = "019a1100-0000-7000-8000-000000000006"
	PhlebFindersID = "019a1100-0000-7000-8000-000000000007"
	LabcorpID      = "019a1100-0000-7000-8000-000000000008"

	RegistrableID = "019a1100-0000-7000-8000-000000000201" // panel 101 of the simulated lab
	WalkInID      = "019a1100-0000-7000-8000-000000000202" // panel 201
	PhlebotomyID  = "019a1100-0000-7000-8000-000000000203" // panel 202
	OnSiteID      = "019a1100-0000-7000-8000-000000000204" // panel 203

	neutralPartner = "neutral"
)

// neutralAccounts are two labs whose samples are drawn, of which one keeps appointments at its patient service centers; a lab for kits
// that are registered later; and two phlebotomists, one for each tier. One simulated partner is all of them.
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
		account(LabcorpID, "labcorp", `{"collection_methods":["walk_in_test","at_home_phlebotomy","on_site_collection"],"cancel":true}`),
		account(NexusID, "nexus", `{"collection_methods":["testkit"],"registrable":true,"cancel":true,"correct":true}`),
		account(GetlabsID, "getlabs", `{"collection_methods":[],"schedule":true,"provider":"getlabs","tiers":["appointment-ready"]}`),
		account(PhlebFindersID, "phlebfinders",
			`{"collection_methods":[],"schedule":true,"provider":"phlebfinders","tiers":["appointment-request"]}`),
	}
}
