package quantity

import "github.com/aliquot-labs/aliquot/order"

// Interval is a part of the number line: a reference range, or what is known of a measured value.
type Interval struct {
	Low, High         *float64 // nil: unbounded
	OpenLow, OpenHigh bool     // the bound itself does not belong to it
}

// Point returns the interval of one number.
func Point(n float64) Interval { return Interval{Low: &n, High: &n} }

func (i Interval) isUnbounded() bool { return i.Low == nil && i.High == nil }

// Refine returns the interval with what the other one adds: a bound where it has none, and whether an equal bound
// belongs to it. It returns false if the two have different bounds on one side.
func (i Interval) Refine(other Interval) (Interval, bool) {
	if i.Low != nil && other.Low != nil && *i.Low != *other.Low ||
		i.High != nil && other.High != nil && *i.High != *other.High {
		return i, false
	}
	if i.Low == nil {
		i.Low = other.Low
	}
	if i.High == nil {
		i.High = other.High
	}
	i.OpenLow, i.OpenHigh = other.OpenLow, other.OpenHigh
	return i, true
}

// Judge returns the interpretation of a measured value by the range of normal values: normal inside of it, abnormal
// outside of it, and unknown where the two overlap or nothing is known of one of them. A range that begins at zero has
// nothing below it.
func (i Interval) Judge(found Interval) order.Interpretation {
	switch {
	case i.isUnbounded() || found.isUnbounded():
		return order.InterpretationUnknown
	case i.isAbove(found) || found.isAbove(i):
		return order.InterpretationAbnormal
	case i.holdsLow(found) && i.holdsHigh(found):
		return order.InterpretationNormal
	}
	return order.InterpretationUnknown
}

// isAbove reports whether all of the interval is above the other one.
func (i Interval) isAbove(other Interval) bool {
	if i.Low == nil || other.High == nil {
		return false
	}
	return *i.Low > *other.High || *i.Low == *other.High && (i.OpenLow || other.OpenHigh)
}

func (i Interval) holdsLow(found Interval) bool {
	switch {
	case i.Low == nil:
		return true
	case found.Low == nil:
		return *i.Low == 0 && !i.OpenLow
	}
	return *found.Low > *i.Low || *found.Low == *i.Low && (!i.OpenLow || found.OpenLow)
}

func (i Interval) holdsHigh(found Interval) bool {
	switch {
	case i.High == nil:
		return true
	case found.High == nil:
		return false
	}
	return *found.High < *i.High || *found.High == *i.High && (!i.OpenHigh || found.OpenHigh)
}
