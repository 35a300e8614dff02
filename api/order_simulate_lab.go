package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/aliquot-labs/aliquot/internal/simulation"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// partnerMolecular is the protocol with which a separate simulated courier reports the transit of kits.
const partnerMolecular = "molecular"

// putScript replaces the script of an order at the simulated lab (docs/sandbox.md, control). The lab stores a script
// for an order that it does not know yet.
func (r simulationRun) putScript(ctx context.Context, a store.LabAccount, number string,
	steps []simulation.Step) error {
	ctx, cancel := context.WithTimeout(ctx, labTimeout)
	defer cancel()
	document, err := json.Marshal(map[string]any{"steps": steps})
	if err != nil {
		return fmt.Errorf("writing a script: %w", err)
	}
	address := strings.TrimSuffix(a.BaseURL, "/") + "/sandbox/orders/" + url.PathEscape(number) + "/script"
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, address, bytes.NewReader(document))
	if err != nil {
		return fmt.Errorf("putting a script: %w", err)
	}
	req.Header.Set("Content-Type", contentJSON)
	req.Header.Set("user", a.User)
	req.Header.Set("token", a.Token)
	resp, err := r.LabHTTPClient.Do(req)
	if err != nil {
		return r.unavailableLab(ctx, a, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return r.unavailableLab(ctx, a, fmt.Errorf("the simulated lab answered %d", resp.StatusCode))
	}
	return nil
}

// placeImportedOrder places an imported order at the simulated lab, which otherwise would not know its number. An
// imported order was placed by somebody else. Placing the same number again changes nothing.
func (r simulationRun) placeImportedOrder(ctx context.Context, a store.LabAccount, o *order.Order) error {
	if !o.Imported {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, labTimeout)
	defer cancel()
	lab, err := r.openLabOrRefuse(ctx, a)
	if err != nil {
		return err
	}
	if _, err := lab.Place(ctx, labs.Requisition{OrderNumber: o.Number, Order: o, Script: labs.ScriptSilent}); err != nil {
		return r.unavailableLab(ctx, a, err)
	}
	return nil
}

// unavailableLab logs the failure of a call to the simulated lab and returns the 503 answer.
func (r simulationRun) unavailableLab(ctx context.Context, a store.LabAccount, err error) error {
	r.Logger.LogAttrs(ctx, slog.LevelWarn, "a call to the simulated lab failed",
		slog.String("lab_account_id", a.ID), slog.Any("error", err))
	return unavailableError("The simulated lab cannot be reached at the moment")
}
