package worker

import (
	"fmt"
	"strings"
	"time"
)

// commands returns the commands for the namespace, the search attributes and the schedules, in the order in which an
// administrator runs them.
func (e *MissingError) commands(namespace func() []string, attributes func([]Missing) []string) []string {
	var commands []string
	if len(e.ofKind(KindNamespace)) > 0 {
		commands = append(commands, namespace()...)
	}
	if lacking := e.ofKind(KindAttribute); len(lacking) > 0 {
		commands = append(commands, attributes(lacking)...)
	}
	for _, m := range e.ofKind(KindSchedule) {
		verb := "create"
		if m.conflict {
			verb = "update"
		}
		commands = append(commands, m.schedule.command(e.Namespace, verb))
	}
	return commands
}

func (e *MissingError) ofKind(kind string) []Missing {
	var found []Missing
	for _, m := range e.Items {
		if m.Kind == kind {
			found = append(found, m)
		}
	}
	return found
}

func (e *MissingError) namespaceCommands() []string {
	return []string{fmt.Sprintf("temporal operator namespace create --namespace %s --retention %dh",
		quote(e.Namespace), int(NamespaceRetention.Hours()))}
}

// cloudNamespaceCommands names the namespace without the id of the account, which Temporal Cloud appends.
func (e *MissingError) cloudNamespaceCommands() []string {
	name, _, _ := strings.Cut(e.Namespace, ".")
	return []string{fmt.Sprintf("tcld namespace create --namespace %s --region REGION --retention-days %d",
		quote(name), int(NamespaceRetention/(24*time.Hour)))}
}

func (e *MissingError) attributeCommands(lacking []Missing) []string {
	var commands []string
	for _, m := range lacking {
		if m.conflict {
			commands = append(commands, fmt.Sprintf("temporal operator search-attribute remove --namespace %s --name %s --yes",
				quote(e.Namespace), m.Name))
		}
		commands = append(commands, fmt.Sprintf(
			"temporal operator search-attribute create --namespace %s --name %s --type %s", quote(e.Namespace), m.Name, m.Type))
	}
	return commands
}

// cloudAttributeCommands renames an attribute of another type, because Temporal Cloud removes none.
func (e *MissingError) cloudAttributeCommands(lacking []Missing) []string {
	var commands []string
	add := "tcld namespace search-attributes add --namespace " + quote(e.Namespace)
	for _, m := range lacking {
		if m.conflict {
			commands = append(commands, fmt.Sprintf(
				"tcld namespace search-attributes rename --namespace %s --existing-name %s --new-name %sFormer",
				quote(e.Namespace), m.Name, m.Name))
		}
		add += fmt.Sprintf(" --search-attribute %s=%s", m.Name, m.Type)
	}
	return append(commands, add)
}

// quote quotes a word for a shell if it has to be.
func quote(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
