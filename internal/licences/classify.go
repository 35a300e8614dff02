package main

import (
	"fmt"
	"slices"
	"strings"
)

// acceptedLicences are the SPDX ids of the licences that the program may contain: permissive ones, and MPL-2.0, which
// requires the source of its own files only.
var acceptedLicences = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0"}

// modulesWithoutLicence are modules without a licence file, each with the version that was checked and the reason to
// accept it. Another version has to be checked again.
var modulesWithoutLicence = map[string]string{
	"github.com/nexus-rpc/nexus-proto-annotations v0.1.0": "its makers, who also make Temporal, publish it as a part " +
		"that Temporal's API (MIT) needs, without a licence of its own",
}

func checkLicence(m module) error {
	if !slices.Contains(acceptedLicences, m.licence) {
		return fmt.Errorf("%s is not an accepted licence", m.licence)
	}
	return nil
}

// licencePatterns recognize licences by words that every copy contains. The first pattern whose words all occur
// applies, so a licence comes before others that share its words.
var licencePatterns = []struct {
	id    string
	words []string
}{
	{"AGPL-3.0", []string{"gnu affero general public license"}},
	{"LGPL", []string{"gnu lesser general public license"}},
	{"GPL", []string{"gnu general public license", "copyleft"}},
	{"GPL", []string{"gnu general public license", "version"}},
	{"Apache-2.0", []string{"apache license", "version 2.0"}},
	{"MPL-2.0", []string{"mozilla public license", "2.0"}},
	{"BSD-3-Clause", []string{"redistribution and use in source and binary forms", "endorse or promote"}},
	{"BSD-2-Clause", []string{"redistribution and use in source and binary forms"}},
	{"MIT", []string{"permission is hereby granted, free of charge, to any person obtaining a copy"}},
	{"ISC", []string{"permission to use, copy, modify, and",
		"distribute this software for any purpose with or without fee"}},
}

// classify returns the SPDX id of a licence's text, or "".
func classify(text string) string {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	for _, k := range licencePatterns {
		if !slices.ContainsFunc(k.words, func(w string) bool { return !strings.Contains(text, w) }) {
			return k.id
		}
	}
	return ""
}
