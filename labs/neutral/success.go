package neutral

import "github.com/aliquot-labs/aliquot/labs/partnerhttp"

// foreignErrors are keys with which gateways report an error in an answer whose status is 2xx. The protocol has none of
// them.
var foreignErrors = []string{"error", "errors", "fault", "code"}

// readSuccess returns the object of an answer with a status 2xx. It returns an UnansweredError if the answer is no
// object, or reports an error in a way that is not the protocol's.
func readSuccess(a partnerhttp.Answer) (map[string]any, error) {
	object, err := partnerhttp.ParseObject(a.Body)
	if err != nil {
		return nil, a.UnreadableError()
	}
	for _, key := range foreignErrors {
		if saysSomething(object[key]) {
			return nil, a.UnreadableError()
		}
	}
	if done, stated := object["success"].(bool); stated && !done {
		return nil, a.UnreadableError()
	}
	return object, nil
}

// saysSomething reports whether a value is neither absent, empty nor false.
func saysSomething(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}
