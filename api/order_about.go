package api

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aliquot-labs/aliquot/order"
)

// about says whom and what an order is for: the user, the patient's name and date of birth, what is ordered, the lab
// account and the collection method. Requests that differ in other fields, or in the spelling of a name, are about the
// same.
func (in *CreateOrderRequest) about() string {
	p := in.PatientDetails
	born := p.DOB
	if day, err := parseBirthDate(born); err == nil {
		born = day.String()
	}
	parts := []string{
		canonicalUUID(in.UserID), foldedName(p.FirstName), foldedName(p.LastName), born,
		selectionRequest{account: in.LabAccountID, orderSet: in.OrderSet}.accountID(),
		emptyIfNil(in.CollectionMethod),
	}
	return strings.Join(append(parts, in.orderedCodes()...), "\n")
}

func foldedName(name string) string { return order.JoinWords(order.FoldName(name)...).Text }

// orderedCodes returns the ids and codes of what is ordered, in one order.
func (in *CreateOrderRequest) orderedCodes() []string {
	var codes []string
	if in.LabTestID != nil {
		codes = append(codes, canonicalUUID(*in.LabTestID))
	}
	if set := in.OrderSet; set != nil {
		for _, id := range set.LabTestIDs {
			codes = append(codes, canonicalUUID(id))
		}
		if set.AddOn != nil {
			for _, id := range set.AddOn.MarkerIDs {
				codes = append(codes, "marker "+strconv.FormatInt(id, 10))
			}
			for _, id := range set.AddOn.ProviderIDs {
				codes = append(codes, "code "+id)
			}
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}
