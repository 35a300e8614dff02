package api

import (
	"encoding/json"
	"reflect"
	"time"
)

// This file lets a resource of the operations API be put back as it was read: the fields of an answer that a request
// cannot change may be in the request, with their current values.

// LabAccountReadOnly are the fields of a lab account that a request may repeat and cannot change.
type LabAccountReadOnly struct {
	ID          *string    `json:"id,omitempty" maxLength:"100" doc:"As in the path."`
	WebhookPath *string    `json:"webhook_path,omitempty" maxLength:"500" doc:"Only the current value."`
	Rotating    *bool      `json:"rotating,omitempty" doc:"Only the current value; end_rotation changes it."`
	CreatedAt   *time.Time `json:"created_at,omitempty" maxLength:"64" doc:"Only the current value."`
}

// check refuses values that differ from those of the account.
func (given LabAccountReadOnly) check(now OpsLabAccount) error {
	var c readOnlyCheck
	c.add("id", given.ID == nil || canonicalUUID(*given.ID) == now.ID)
	c.add("webhook_path", isSame(given.WebhookPath, now.WebhookPath))
	c.add("rotating", isSame(given.Rotating, now.Rotating))
	c.add("created_at", given.CreatedAt == nil || given.CreatedAt.Equal(now.CreatedAt))
	return c.err()
}

// TeamReadOnly are the fields of a team that a request may repeat and cannot change.
type TeamReadOnly struct {
	ID          *string         `json:"id,omitempty" maxLength:"100" doc:"As in the path."`
	Name        *string         `json:"name,omitempty" maxLength:"200" doc:"Only the current value."`
	Environment *string         `json:"environment,omitempty" maxLength:"100" doc:"Only the current value."`
	TimeZone    *string         `json:"time_zone,omitempty" maxLength:"64" doc:"Only the current value."`
	Resolved    json.RawMessage `json:"resolved_policy,omitempty" doc:"Only the current value; policy changes it."`
	CreatedAt   *time.Time      `json:"created_at,omitempty" maxLength:"64" doc:"Only the current value."`
}

// check refuses values that differ from those of the team.
func (given TeamReadOnly) check(now OpsTeam) error {
	var c readOnlyCheck
	c.add("id", given.ID == nil || canonicalUUID(*given.ID) == now.ID)
	c.add("name", isSame(given.Name, now.Name))
	c.add("environment", isSame(given.Environment, now.Environment))
	c.add("time_zone", isSame(given.TimeZone, now.TimeZone))
	c.add("resolved_policy", isAbsent(given.Resolved) || isSameJSON(given.Resolved, now.Resolved))
	c.add("created_at", given.CreatedAt == nil || given.CreatedAt.Equal(now.CreatedAt))
	return c.err()
}

// readOnlyCheck collects the fields that a request cannot change.
type readOnlyCheck struct{ problems []*problem }

func (c *readOnlyCheck) add(field string, same bool) {
	if !same {
		c.problems = append(c.problems, newProblem("value_error", "The field cannot be changed here", "body."+field))
	}
}

func (c *readOnlyCheck) err() error {
	if len(c.problems) == 0 {
		return nil
	}
	return validationError(c.problems...)
}

// isSame reports whether a field is absent or has the current value.
func isSame[T comparable](given *T, now T) bool { return given == nil || *given == now }

func isAbsent(document json.RawMessage) bool { return len(document) == 0 || string(document) == "null" }

// isSameJSON reports whether two documents have the same content.
func isSameJSON(a, b json.RawMessage) bool {
	var left, right any
	return json.Unmarshal(a, &left) == nil && json.Unmarshal(b, &right) == nil && reflect.DeepEqual(left, right)
}
