package sandbox

import (
	"errors"
	"net/http"
)

// replaceScript is PUT /sandbox/orders/{number}/script: {"script": name} or {"steps": [...], "place": {...}, …}. What still runs is
// stopped first; when the answer comes, the old script sends nothing more. For a number without an order the script is kept.
func (s *Server) replaceScript(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Script string `json:"script"`
		Place  Place  `json:"place"`
		Steps  []Step `json:"steps"`
		Manner
	}
	if !readControl(w, r, &body) {
		return
	}
	if body.Script == "" && body.Steps == nil {
		writeError(w, http.StatusBadRequest, "script or steps is missing")
		return
	}
	number := r.PathValue("number")
	script := Script{Name: "custom", Place: body.Place, Steps: body.Steps, Manner: body.Manner}
	if body.Script != "" {
		named, ok := s.scriptNamed(number, body.Script)
		if !ok || body.Steps != nil || body.Place != (Place{}) || body.Book != (Booking{}) || body.Calls != nil {
			writeError(w, http.StatusBadRequest, "script must be a known name, without steps, place, book and calls")
			return
		}
		script = named
	}
	if err := script.check(); err != nil {
		writeError(w, http.StatusBadRequest, err.Error()) // our own words about the script
		return
	}
	switch err := s.assign(number, script, body.Script != ""); {
	case errors.Is(err, errForeign):
		writeError(w, http.StatusBadRequest, err.Error())
	case err != nil:
		writeError(w, http.StatusServiceUnavailable, err.Error())
	default:
		writeJSON(w, http.StatusOK, map[string]string{"script": script.Name})
	}
}

var errForeign = errors.New("a step is not of the order's protocol")

// scriptNamed is the script of a name for the order; for an order to come, of any kind of order that has one of that name.
func (s *Server) scriptNamed(number, name string) (Script, bool) {
	if o := s.find(number); o != nil {
		if o.neutral != nil {
			return lifeScript(o.neutral.life, name)
		}
		return namedScript(name)
	}
	script, ok := namedScript(name)
	for _, life := range lives() {
		if other, known := lifeScript(life, name); known && (!ok || script.Calls == nil && script.Book == (Booking{})) {
			script, ok = other, true
		}
	}
	return script, ok
}

// assign gives a script to an order, or keeps it for the order to come.
func (s *Server) assign(number string, script Script, named bool) error {
	s.mu.Lock()
	o := s.orders.byNumber[number]
	if o == nil {
		defer s.mu.Unlock()
		p, err := s.orders.prospect(number)
		if err == nil {
			p.script, p.named = &script, named
		}
		return err
	}
	s.mu.Unlock()
	if !script.speaks(o.neutral != nil) {
		return errForeign
	}
	s.restart(o, script)
	return nil
}
