package api

import (
	"slices"

	"github.com/aliquot-labs/aliquot/store"
)

// scope is what an operation takes of the key that asks for it.
type scope string

const (
	scopeOwnRead    scope = "own:read"   // what belongs to the key's team
	scopeOwnChange  scope = "own:change" // orders, users and appointments of the key's team
	scopeAllRead    scope = "all:read"   // what belongs to all teams
	scopeAllChange  scope = "all:change" // demands on orders, deliveries, what came from partners, endpoints and their secrets
	scopeAdminister scope = "administer" // teams, keys, lab accounts, the audit
)

// permissions are what keys may do, by role. What is not here nobody may do.
var permissions = map[string][]scope{
	store.RoleClient:         {scopeOwnRead, scopeOwnChange},
	store.RoleOperationsRead: {scopeOwnRead, scopeAllRead},
	store.RoleOperations:     {scopeOwnRead, scopeOwnChange, scopeAllRead, scopeAllChange},
	store.RoleAdministrator:  {scopeOwnRead, scopeOwnChange, scopeAllRead, scopeAllChange, scopeAdminister},
}

// roleHasScope reports whether keys of a role may do what takes a scope.
func roleHasScope(role string, s scope) bool { return slices.Contains(permissions[role], s) }

// scopeExtension is the name under which the document says what an operation takes.
const scopeExtension = "x-scope"
