package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// An order, an endpoint and the like, as examples name them.
const (
	anID   = "019a1100-0000-7000-8000-000000000001"
	aBuild = "v2"
)

// examples are shown by --help, by command. A command that says its own is not here.
var examples = map[string]string{
	"":        "aliquot dev\naliquot order list --attention any",
	"dev":     "aliquot dev\naliquot dev --lab manual --data /var/lib/aliquot",
	"api":     "ALIQUOT_DATABASE_URL=postgres://… aliquot api",
	"worker":  "ALIQUOT_DATABASE_URL=postgres://… aliquot worker",
	"sandbox": "ALIQUOT_LAB_USER=practice ALIQUOT_LAB_TOKEN=secret aliquot sandbox",
	"version": "aliquot version",
	"health":  "aliquot health",

	"order":                "aliquot order list --status delivered_to_lab\naliquot order watch " + anID,
	"order list":           "aliquot order list --attention any\naliquot order list --status completed --size 100 --output json | jq -r '.orders[].id'",
	"order show":           "aliquot order show " + anID,
	"order story":          "aliquot order story " + anID,
	"order watch":          "aliquot order watch " + anID + "\naliquot order watch " + anID + " --output json | jq -r .status",
	"order cancel":         "aliquot order cancel " + anID,
	"order place":          "aliquot order place " + anID,
	"order replace":        "aliquot order replace " + anID,
	"order do-not-process": "aliquot order do-not-process " + anID + " --reason patient_withdrew",

	"endpoint":         "aliquot endpoint add --url https://client.example/hook",
	"endpoint add":     "aliquot endpoint add --url https://client.example/hook",
	"endpoint list":    "aliquot endpoint list --output json",
	"endpoint set":     "aliquot endpoint set " + anID + " --url https://client.example/new-hook",
	"endpoint remove":  "aliquot endpoint remove " + anID,
	"endpoint enable":  "aliquot endpoint enable " + anID,
	"endpoint disable": "aliquot endpoint disable " + anID,
	"endpoint headers": "aliquot endpoint headers " + anID,
	"endpoint secret":  "aliquot endpoint secret " + anID,
	"endpoint rotate":  "aliquot endpoint rotate " + anID,
	"endpoint replay":  "aliquot endpoint replay " + anID + " --since 2026-03-04T00:00:00Z",

	"message":        "aliquot message list",
	"message list":   "aliquot message list --output json",
	"message show":   "aliquot message show " + anID,
	"message resend": "aliquot message resend " + anID,

	"team":      "aliquot team list",
	"team list": "aliquot team list --output json",
	"team add":  "aliquot team add --name Clinic --environment sandbox",

	"lab-account":      "aliquot lab-account list",
	"lab-account list": "aliquot lab-account list --output json",

	"inbox":      "aliquot inbox list --state unmatched",
	"inbox list": "aliquot inbox list --state unmatched",

	"key":                "aliquot key create --name website",
	"key list":           "aliquot key list --output json",
	"key create":         "aliquot key create --name website --expires-in 2160h\naliquot key create --name on-call --role operations",
	"key renew":          "aliquot key renew " + anID + " --overlap 48h",
	"key revoke":         "aliquot key revoke " + anID,
	"key new-encryption": "aliquot key new-encryption k2",
	"key rotate":         "aliquot key rotate --check\naliquot key rotate\naliquot key rotate --check --output json | jq '.keys[] | select(.removable)'",

	"audit":        "aliquot audit list",
	"audit list":   "aliquot audit list --output json",
	"audit verify": "aliquot audit verify",

	"catalogue":         "aliquot catalogue import labs.json",
	"catalogue approve": "aliquot catalogue approve " + anID,

	"migrate":   "ALIQUOT_DATABASE_URL=postgres://… aliquot migrate",
	"bootstrap": "aliquot bootstrap --name \"My clinic\"\naliquot bootstrap --name \"My clinic\" --output json | jq -r .secret",
	"rebuild":   "aliquot rebuild",

	"rollout show": "aliquot rollout show",
	"rollout set":  "aliquot rollout set " + aBuild,
	"rollout ramp": "aliquot rollout ramp " + aBuild + " 10",
	"rollout back": "aliquot rollout back",
}

// illustrate gives a command and those below it their examples.
func illustrate(cmd *cobra.Command) {
	_, path, _ := strings.Cut(cmd.CommandPath(), " ")
	if cmd.Example == "" && examples[path] != "" {
		cmd.Example = "  " + strings.ReplaceAll(examples[path], "\n", "\n  ")
	}
	for _, sub := range cmd.Commands() {
		illustrate(sub)
	}
}
