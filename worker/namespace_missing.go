package worker

import (
	"fmt"
	"strings"
	"time"
)

// NamespaceRetention is how long Temporal keeps ended workflows in a namespace that Aliquot or an administrator creates
// for it. Orders are in the store.
const NamespaceRetention = 72 * time.Hour

// The kinds of things that a namespace can lack.
const (
	KindNamespace = "namespace" // the namespace itself
	KindAttribute = "search_attribute"
	KindSchedule  = "schedule"
)

// MissingKinds lists the kinds of things that a namespace can lack.
func MissingKinds() []string { return []string{KindNamespace, KindAttribute, KindSchedule} }

// Missing is one thing that a namespace lacks, or that is not as it has to be.
type Missing struct {
	Kind    string // one of MissingKinds
	Name    string
	Type    string // of a search attribute, as the temporal program calls it; empty for other kinds
	Problem string // such as "is missing"
	Cause   error  // why this client could not mend it
	// Unchecked means that this client may not look, so that the thing may be there.
	Unchecked bool

	conflict bool           // something of this name exists, and is not as it has to be
	schedule wantedSchedule // of KindSchedule
}

func (m Missing) String() string {
	name := strings.ReplaceAll(m.Kind, "_", " ") + " " + m.Name
	if m.Type != "" {
		name += " (" + m.Type + ")"
	}
	return fmt.Sprintf("%s %s: %v", name, m.Problem, m.Cause)
}

// MissingError lists everything that a namespace lacks and that this client could not make. An administrator has to.
type MissingError struct {
	Namespace string
	Items     []Missing
}

// add adds what is missing. Without the namespace it leaves out what can be made as soon as the namespace is there.
func (e *MissingError) add(items []Missing) {
	withoutNamespace := e.Count(KindNamespace) > 0
	for _, m := range items {
		if !withoutNamespace || !isNamespaceNotFound(m.Cause) {
			e.Items = append(e.Items, m)
		}
	}
}

// Error lists what is missing, on one line.
func (e *MissingError) Error() string {
	return "the Temporal namespace " + e.Namespace + " lacks: " + strings.Join(e.List(), "; ")
}

// List says of each thing what is wrong with it.
func (e *MissingError) List() []string {
	list := make([]string, len(e.Items))
	for i, m := range e.Items {
		list[i] = m.String()
	}
	return list
}

// OrdersCanRun reports whether orders can run nevertheless: only schedules are missing. Without the schedules the
// reconciler does not run.
func (e *MissingError) OrdersCanRun() bool {
	for _, m := range e.Items {
		if m.Kind != KindSchedule {
			return false
		}
	}
	return true
}

// isRefused reports whether the server has refused to let this client make something, and not only failed to.
func (e *MissingError) isRefused() bool {
	for _, m := range e.Items {
		if m.conflict && m.Kind == KindAttribute || isRefused(m.Cause) {
			return true
		}
	}
	return false
}

// Count returns how many things of a kind are missing. Those that could not be checked do not count.
func (e *MissingError) Count(kind string) int {
	count := 0
	for _, m := range e.Items {
		if m.Kind == kind && !m.Unchecked {
			count++
		}
	}
	return count
}

// Commands returns the commands with which an administrator of a cluster makes what is missing.
func (e *MissingError) Commands() []string {
	return e.commands(e.namespaceCommands, e.attributeCommands)
}

// CloudCommands returns the commands with which an administrator of Temporal Cloud makes what is missing.
func (e *MissingError) CloudCommands() []string {
	return e.commands(e.cloudNamespaceCommands, e.cloudAttributeCommands)
}

// Instructions returns a text with what is missing and the commands that make it.
func (e *MissingError) Instructions() string {
	var b strings.Builder
	fmt.Fprintf(&b, "The Temporal namespace %s lacks:\n  %s\n", e.Namespace, strings.Join(e.List(), "\n  "))
	fmt.Fprintf(&b, "An administrator of the cluster runs:\n  %s\n", strings.Join(e.Commands(), "\n  "))
	fmt.Fprintf(&b, "At Temporal Cloud:\n  %s\n", strings.Join(e.CloudCommands(), "\n  "))
	return b.String()
}
