package devsystem

import "github.com/aliquot-labs/aliquot/store"

// The ids of the accounts that speak the neutral protocol, and of tests of their labs in the demonstration catalogue.
const (
	QuestAccountID        = "019a1100-0000-7000-8000-000000000004"
	NexusAccountID        = "019a1100-0000-7000-8000-000000000005"
	GetlabsAccountID      = "019a1100-0000-7000-8000-000000000006"
	PhlebFindersAccountID = "019a1100-0000-7000-8000-000000000007"
	LabcorpAccountID      = "019a1100-0000-7000-8000-000000000008"

	RegistrableTestID = "019a1100-0000-7000-8000-000000000201" // panel 101 of the simulated lab
	WalkInTestID      = "019a1100-0000-7000-8000-000000000202" // panel 201
	PhlebotomyTestID  = "019a1100-0000-7000-8000-000000000203" // panel 202
	OnSiteTestID      = "019a1100-0000-7000-8000-000000000204" // panel 203

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
		account(QuestAccountID, "quest", `{"collection_methods":["walk_in_test","at_home_phlebotomy","on_site_collection"],"cancel":true,`+
			`"schedule":true,"provider":"quest","tiers":["appointment-ready"]}`),
		account(LabcorpAccountID, "labcorp", `{"collection_methods":["walk_in_test","at_home_phlebotomy","on_site_collection"],"cancel":true}`),
		account(NexusAccountID, "nexus", `{"collection_methods":["testkit"],"registrable":true,"cancel":true,"correct":true}`),
		account(GetlabsAccountID, "getlabs", `{"collection_methods":[],"schedule":true,"provider":"getlabs","tiers":["appointment-ready"]}`),
		account(PhlebFindersAccountID, "phlebfinders",
			`{"collection_methods":[],"schedule":true,"provider":"phlebfinders","tiers":["appointment-request"]}`),
	}
}
