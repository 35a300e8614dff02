package molecular_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
)

func TestPlaceSucceeds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, accession string }{
		"an array": {acceptedAnswer, "M000412207"},
		"an object": {`{"order_number":"K7Q2M9XW4T1B8C5D","kit_id":"M000412207","success":true,
			"error_msg":null}`, "M000412207"},
		"no order number":         {`[{"kit_id":"M000412207","success":true}]`, "M000412207"},
		"a number for the kit id": {`[{"kit_id":412207,"success":true}]`, "412207"},
		"one among others": {`[{"order_number":"A","success":false,"error_msg":"no"},
			{"order_number":"K7Q2M9XW4T1B8C5D","kit_id":"M2","success":true}]`, "M2"},
		"a kit id alone":               {`[{"kit_id":"M000412207","error_msg":"null"}]`, "M000412207"},
		"success without a kit id":     {`[{"success":true,"kit_id":null}]`, ""},
		"success with a written null":  {`[{"success":true,"kit_id":" null "}]`, ""},
		"success with some remark":     {`[{"success":true,"kit_id":"M1","error_msg":"accepted for review"}]`, "M1"},
		"success with no usable id":    {`[{"success":true,"kit_id":"<b>Ines</b>"}]`, ""},
		"blanks around everything":     {"\n [ {\"success\" : true , \"kit_id\" : \" M1 \"} ] \n", "M1"},
		"unknown keys, and other case": {`[{"Success":true,"Kit_ID":"M1","queue":{"position":3}}]`, "M1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, answer(http.StatusOK, tt.body))

			placed, err := newFullClient(t, l).Place(t.Context(), requisition())

			require.NoError(t, err)
			require.Equal(t, labs.Acceptance{Accession: tt.accession, Raw: []byte(tt.body)}, placed)
			require.Equal(t, []string{"POST /PlaceOrder"}, l.paths())
		})
	}
}

func TestPlaceIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status int
		body   string
		code   string
	}{
		"with a reason":    {200, `[{"success":false,"error_msg":"gender is missing"}]`, labs.CodeRefusedByLab},
		"without a reason": {200, `[{"success":false,"error_msg":" null "}]`, labs.CodeRefusedByLab},
		"with a kit id": {200, `[{"success":false,"kit_id":"M1","error_msg":"kit_id already exists"}]`,
			labs.CodeRefusedByLab},
		"a message and no verdict":  {200, `{"error_msg":"Ines Okafor is unknown"}`, labs.CodeRefusedByLab},
		"a message that is no text": {200, `{"error_msg":{"gender":"missing"}}`, labs.CodeRefusedByLab},
		"by status and reason":      {422, `{"success":false,"error_msg":"gender is missing"}`, labs.CodeRefusedByLab},
		"by status, no reason":      {400, `{"success":false}`, labs.CodeRefusedByLab},
		"by status, for this order": {404, `[{"order_number":"` + number + `","success":false}]`, labs.CodeRefusedByLab},
		"by status and words alone": {409, `{"error_msg":"panel is retired"}`, labs.CodeRefusedByLab},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newFullClient(t, newLab(t, answer(tt.status, tt.body))).Place(t.Context(), requisition())

			var refused *labs.RefusedError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, tt.code, refused.Code)
			require.Equal(t, tt.body, string(refused.Raw))
			require.NotContains(t, err.Error(), "Okafor")
			require.NotContains(t, err.Error(), "gender")
		})
	}
}

func TestOrderNumberAlreadyExists(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"order_number already exists":                              true,
		"Order number already exists.":                             true,
		"ORDER NUMBER K7Q2M9XW4T1B8C5D already exists":             true,
		"Order K7Q2M9XW4T1B8C5D has already been placed":           true,
		"order_number has already been used":                       true,
		"The order number is already in use":                       true,
		"An order with this order_number already exists":           true,
		"Duplicate order":                                          true,
		"duplicated order_number":                                  true,
		"order number is a duplicate":                              true,
		"order_number must be unique":                              true,
		"order number is not unique":                               true,
		"order_number is missing":                                  false,
		"kit_id already exists":                                    false,
		"patient already has an order":                             false,
		"patient already exists":                                   false,
		"origin_order_number does not exist":                       false,
		"origin_order_number has already been used":                false,
		"replacement: duplicate order number of the origin":        false,
		"an order number does not exist for this practice":         false,
		"physician is not authorized to order in this state":       false,
		"order_number is longer than 20 characters":                false,
		"this account has already used up its quota of kit orders": false,
	}
	for text, already := range tests {
		for _, status := range []int{http.StatusOK, http.StatusBadRequest, http.StatusConflict} {
			t.Run(text, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, answer(status, `[{"success":false,"kit_id":"M000412207","error_msg":"`+text+`"}]`))

				placed, err := newFullClient(t, l).Place(t.Context(), requisition())

				if !already {
					require.Error(t, err)
					return
				}
				require.NoError(t, err)
				require.True(t, placed.AlreadyPlaced)
				require.Equal(t, "M000412207", placed.Accession)
				require.Equal(t, []string{"POST /PlaceOrder"}, l.paths(), "the kit id is known")
			})
		}
	}
}

func TestAccessionOfAnExistingOrder(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status    int
		info      string
		accession string
	}{
		"known":          {200, `{"order_number":"K7Q2M9XW4T1B8C5D","kit_id":"M000412207","success":true}`, "M000412207"},
		"not known yet":  {200, `{"order_number":"K7Q2M9XW4T1B8C5D","kit_id":null,"success":true}`, ""},
		"of another":     {200, `{"order_number":"OTHER","kit_id":"M1"}`, ""},
		"refused":        {200, `{"success":false,"kit_id":"M1","error_msg":"no"}`, ""},
		"not found":      {404, `{"kit_id":"M1"}`, ""},
		"busy":           {503, ``, ""},
		"not understood": {200, `<html>`, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const exists = `[{"success":false,"error_msg":"order_number already exists"}]`
			l := newLab(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/PlaceOrder" {
					answer(http.StatusOK, exists)(w, r)
					return
				}
				answer(tt.status, tt.info)(w, r)
			})

			placed, err := newFullClient(t, l).Place(t.Context(), requisition())

			require.NoError(t, err, "the order is placed, whatever else is known of it")
			require.Equal(t, labs.Acceptance{Accession: tt.accession, AlreadyPlaced: true, Raw: []byte(exists)}, placed)
			require.Equal(t, []string{"POST /PlaceOrder", "GET /OrderInfo"}, l.paths())
			require.Equal(t, "order_number="+number, l.received()[1].Query)
		})
	}
}
