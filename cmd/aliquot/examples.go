package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// An id and a build for examples.
const (
	exampleID    = "019a1100-0000-7000-8000-000000000001"
	exampleBuild = "v2"
)

// examples are printed by --help, by command path. Commands with their own Example are not listed.
var examples = map[string]string{
	"":        "aliquot dev\naliquot order list --attention any",
	"dev":     "aliquot dev\naliquot dev --lab manual --data /var/lib/aliquot",
	"api":     "ALIQUOT_DATABASE_URL=postgres://… aliquot api",
	"worker":  "ALIQUOT_DATABASE_URL=postgres://… aliquot worker",
	"sandbox": "ALIQUOT_LAB_USER=practice ALIQUOT_LAB_TOKEN=secret aliquot sandbox",
	"version": "aliquot version",
	"health":  "aliquot health",

	"order": "aliquot order list --status delivered_to_lab\naliquot order watch " + exampleID,
	"order list": "aliquot order list --attention any\n" +
		"aliquot order list --status completed --size 100 --output json | jq -r '.orders[].id'",
	"order show":  "aliquot order show " + exampleID,
	"order story": "aliquot order story " + exampleID,
	"order watch": "aliquot order watch " + exampleID + "\naliquot order watch " + exampleID +
		" --output json | jq -r .status",
	"order cancel":         "aliquot order cancel " + exampleID,
	"order place":          "aliquot order place " + exampleID,
	"order replace":        "aliquot order replace " + exampleID,
	"order do-not-process": "aliquot order do-not-process " + exampleID + " --reason patient_withdrew",

	"endpoint":         "aliquot endpoint add --url https://client.example/hook",
	"endpoint add":     "aliquot endpoint add --url https://client.example/hook",
	"endpoint list":    "aliquot endpoint list --output json",
	"endpoint set":     "aliquot endpoint set " + exampleID + " --url https://client.example/new-hook",
	"endpoint remove":  "aliquot endpoint remove " + exampleID,
	"endpoint enable":  "aliquot endpoint enable " + exampleID,
	"endpoint disable": "aliquot endpoint disable " + exampleID,
	"endpoint headers": "aliquot endpoint headers " + exampleID,
	"endpoint secret":  "aliquot endpoint secret " + exampleID,
	"endpoint rotate":  "aliquot endpoint rotate " + exampleID,
	"endpoint replay":  "aliquot endpoint replay " + exampleID + " --since 2026-03-04T00:00:00Z",

	"message":        "aliquot message list",
	"message list":   "aliquot message list --output json",
	"message show":   "aliquot message show " + exampleID,
	"message resend": "aliquot message resend " + exampleID,

	"team":      "aliquot team list",
	"team list": "aliquot team list --output json",
	"team add":  "aliquot team add --name Clinic --environment sandbox",

	"lab-account":      "aliquot lab-account list",
	"lab-account list": "aliquot lab-account list --output json",

	"courier-account":      "aliquot courier-account list",
	"courier-account list": "aliquot courier-account list --output json",

	"inbox":         "aliquot inbox list --state unmatched",
	"inbox list":    "aliquot inbox list --state unmatched",
	"inbox release": "aliquot inbox release " + exampleID,

	"key":      "aliquot key create --name website",
	"key list": "aliquot key list --output json",
	"key create": "aliquot key create --name website --expires-in 2160h\n" +
		"aliquot key create --name on-call --role operations",
	"key renew":          "aliquot key renew " + exampleID + " --overlap 48h",
	"key revoke":         "aliquot key revoke " + exampleID,
	"key new-encryption": "aliquot key new-encryption k2",
	"key rotate": "aliquot key rotate --check\naliquot key rotate\n" +
		"aliquot key rotate --check --output json | jq '.keys[] | select(.removable)'",

	"audit":        "aliquot audit list",
	"audit list":   "aliquot audit list --output json",
	"audit verify": "aliquot audit verify",

	"catalogue":         "aliquot catalogue import labs.json",
	"catalogue approve": "aliquot catalogue approve " + exampleID,

	"migrate":  "ALIQUOT_DATABASE_URL=postgres://… aliquot migrate",
	"backfill": "ALIQUOT_DATABASE_URL=postgres://… aliquot backfill",
	"bootstrap": "aliquot bootstrap --name \"My clinic\"\n" +
		"aliquot bootstrap --name \"My clinic\" --output json | jq -r .secret",
	"rebuild": "aliquot rebuild",

	"rollout show": "aliquot rollout show",
	"rollout set":  "aliquot rollout set " + exampleBuild,
	"rollout ramp": "aliquot rollout ramp " + exampleBuild + " 10",
	"rollout back": "aliquot rollout back",
}

// addExamples sets the examples of a command and of its subcommands.
func addExamples(cmd *cobra.Command) {
	_, path, _ := strings.Cut(cmd.CommandPath(), " ")
	if cmd.Example == "" && examples[path] != "" {
		cmd.Example = "  " + strings.ReplaceAll(examples[path], "\n", "\n  ")
	}
	for _, sub := range cmd.Commands() {
		addExamples(sub)
	}
}
