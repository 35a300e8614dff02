package dispatch_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

func TestNothingAboutAPatientIsEncoded(t *testing.T) {
	t.Parallel()
	type deep struct{ Inner map[string][]*order.Patient }
	type hidden struct{ Inner any }
	type list struct{ Next *list }
	type embedded struct{ deep }
	type unseen struct{ inner *order.Patient } //nolint:unused // it is not encoded
	c := dispatch.NewConverter()
	for name, value := range map[string]any{
		"itself": order.Patient{}, "pointer": &order.Order{}, "nil pointer": (*order.LabReport)(nil),
		"slice": []order.Result{}, "field": deep{},
		"in any": hidden{Inner: []any{1, map[string]any{"x": order.Location{}}}}, "key": map[order.Date]order.BookingBody{},
		"embedded": embedded{}, "bytes": []byte("x"), "raw": json.RawMessage(`{}`),
		"bytes in any": map[string]any{"body": []byte("x")},
	} {
		var refused *dispatch.ConfidentialError
		_, err := c.ToPayload(value)
		require.ErrorAs(t, err, &refused, name)
		_, err = c.ToPayloads("first", value)
		require.ErrorAs(t, err, &refused, name)
		// The control: the SDK's converter accepts it.
		_, err = converter.GetDefaultDataConverter().ToPayload(value)
		require.NoError(t, err, name)
	}
	for name, value := range map[string]any{
		"nil": nil, "text": "x", "order": dispatch.OrderInput{OrderID: "x"},
		"settle":  dispatch.SettleInput{Cause: &order.Cause{}},
		"settled": dispatch.SettledOrder{Answer: &order.DemandAnswer{}}, "wake": dispatch.Wake{}, "state": order.State{},
		"recording": order.Recording{},
		"demand":    order.Demand{}, "fact": order.Fact{}, "time": time.Now(), "recursive": list{Next: &list{}},
		"any": hidden{Inner: 1}, "unseen": unseen{},
		"a message of Temporal's own": &commonpb.WorkflowExecution{WorkflowId: "x"},
	} {
		_, err := c.ToPayloads(value)
		require.NoError(t, err, name)
	}
}

func BenchmarkEncoding(b *testing.B) {
	for name, c := range map[string]converter.DataConverter{"sdk": converter.GetDefaultDataConverter(),
		"guarded": dispatch.NewConverter()} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = c.ToPayloads(dispatch.SettledOrder{})
			}
		})
	}
}
