package wire

import "github.com/aliquot-labs/aliquot/order"

// Worse is the interpretation of a report that holds both: an unknown result keeps it from being called normal.
func Worse(a, b order.Interpretation) order.Interpretation {
	for _, i := range []order.Interpretation{order.Critical, order.Abnormal, order.UnknownInterpretation} {
		if a == i || b == i {
			return i
		}
	}
	return order.Normal
}
