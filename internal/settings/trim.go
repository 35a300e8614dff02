package settings

import (
	"bytes"
	"errors"
	"strings"
	"unicode"
)

// trimText removes white space, byte order marks and invisible blanks around the value of a setting. Editors, shells
// and secrets of Kubernetes add them.
func trimText(value string) string {
	return strings.TrimFunc(value, func(r rune) bool {
		return unicode.IsSpace(r) || r == '\ufeff' || r == '\u200b'
	})
}

// trimList trims the members of a list too.
func trimList(value string) string {
	members := strings.Split(trimText(value), ",")
	for i, member := range members {
		members[i] = trimText(member)
	}
	return strings.Join(members, ",")
}

// trimSettings trims the values of all settings, and the paths of the files that hold them.
func trimSettings(environment map[string]string, fields []field) {
	for _, f := range fields {
		trim := trimText
		if f.list {
			trim = trimList
		}
		for variable, trim := range map[string]func(string) string{f.variable: trim, f.variable + fileSuffix: trimText} {
			if value, set := environment[variable]; set {
				environment[variable] = trim(value)
			}
		}
	}
}

// readText returns the content of a file with the value of a setting. A UTF-16 file, as some programs of Windows write,
// is an error: its bytes would be taken for the value.
func readText(content []byte) (string, error) {
	if bytes.HasPrefix(content, []byte{0xff, 0xfe}) || bytes.HasPrefix(content, []byte{0xfe, 0xff}) {
		return "", errors.New("is read from a file that is UTF-16: save it as UTF-8")
	}
	return trimText(string(content)), nil
}
