package order

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNamesAreComparedAfterFolding(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		first, last, otherFirst, otherLast string
		want                               NameLikeness
	}{
		{"Maria", "García-López", "MARIA", "GARCIA LOPEZ", NamesSame},
		{"Maria", "García-López", "MARIA", "GARCIALOPEZ", NamesSame},
		{"Maria", "Garcia", "GARCIA", "MARIA", NamesAlike},
		{"Maria", "García-López", "MARIA", "GARCIA", NamesAlike},
		{"Seán", "O’Brien", "SEAN", "OBRIEN", NamesSame},
		{"Seán", "O'Brien", "SEAN", "O BRIEN", NamesSame},
		{"Robert", "Ewing", "ROBERT J", "EWING", NamesAlike},
		{"Robert", "Ewing", "ROBERT", "EWING JR", NamesAlike},
		{"Robert James", "Ewing", "R J", "Ewing", NamesAlike},
		{"Jürgen", "Groß", "JUERGEN", "GROSS", NamesAlike},
		{"Søren", "Kjær", "SOREN", "KJAER", NamesSame},
		{"Łukasz", "Żółć", "LUKASZ", "ZOLC", NamesSame},
		{"Maria", "Garcia", "MARIA", "SCHMIDT", NamesShareWord},
		{"Maria", "Garcia Lopez", "", "GARCIALOPEZ", NamesShareWord},
		{"Thomas", "Ewing", "R", "Ewing", NamesShareWord},
		{"Maria", "Garcia", "BORIS", "OTHERMAN", NamesDiffer},
		{"Maria J", "Garcia", "BORIS J", "OTHERMAN", NamesDiffer},
		{"Maria", "de la Cruz", "BORIS", "DE LA ROSA", NamesDiffer},
		{"Robert", "Ewing Jr", "BORIS", "OTHERMAN JR", NamesDiffer},
		{"Mr", "Ewing", "Mr", "Otherman", NamesDiffer},
		{"Duc", "La", "MINH", "LA", NamesShareWord},
		{"明", "李", "明", "李", NamesSame},
		{"明", "李", "华", "王", NamesDiffer},
		{"Maria", "Garcia", "", "", NamesUnknown},
		{"Maria", "Garcia", " ", "-", NamesUnknown},
		{"Maria", "Garcia", "M", "G", NamesShareWord},
		{"Maria", "Garcia", "null", "Null", NamesDiffer},
		{"Ada", "Null", "ADA", "NULL", NamesSame},
	} {
		require.Equal(t, c.want, CompareNames(c.first, c.last, c.otherFirst, c.otherLast), "%+v", c)
		require.Equal(t, c.want, CompareNames(c.otherFirst, c.otherLast, c.first, c.last), "the other way: %+v", c)
	}
}

func TestATestedPatientDiffersFromTheOrders(t *testing.T) {
	t.Parallel()
	maria := &Patient{FirstName: "Maria", LastName: "Garcia", DOB: Date{1990, 3, 1}}
	for _, c := range []struct {
		tested *TestedPatient
		want   PatientDifference
	}{
		{&TestedPatient{FirstName: "BORIS", LastName: "OTHERMAN", DOB: "1922-12-12"}, PatientDiffersByBoth},
		{&TestedPatient{FirstName: "BORIS", LastName: "OTHERMAN", DOB: "12/12/1922"}, PatientDiffersByBoth},
		{&TestedPatient{FirstName: "BORIS", LastName: "OTHERMAN", DOB: "19221212"}, PatientDiffersByBoth},
		{&TestedPatient{FirstName: "BORIS", LastName: "OTHERMAN", DOB: "1922-12-12T00:00:00Z"}, PatientDiffersByBoth},
		{&TestedPatient{FirstName: "BORIS", LastName: "OTHERMAN", DOB: "1990-03-01"}, PatientDiffersByName},
		{&TestedPatient{FirstName: "BORIS", LastName: "OTHERMAN", DOB: "unknown"}, PatientDiffersByName},
		{&TestedPatient{FirstName: "BORIS", LastName: "OTHERMAN"}, PatientDiffersByName},
		{&TestedPatient{FirstName: "MARIA", LastName: "GARCIA LOPEZ", DOB: "1922-12-12"}, PatientDiffersByBirth},
		{&TestedPatient{DOB: "1922-12-12"}, PatientDiffersByBirth},
		{&TestedPatient{FirstName: "MARIA", LastName: "GARCIA", DOB: "03/01/1990"}, PatientDiffersNot},
		{&TestedPatient{FirstName: "MARIA", LastName: "GARCIA", DOB: "01/03/1990"}, PatientDiffersNot},
		{&TestedPatient{FirstName: "MARIA", LastName: "GARCIA", DOB: "1990-03-01T00:00:00"}, PatientDiffersNot},
		{&TestedPatient{}, PatientDiffersNot},
		{nil, PatientDiffersNot},
	} {
		require.Equal(t, c.want, c.tested.DifferenceFrom(maria), "%+v", c.tested)
	}
	require.Equal(t, PatientDiffersNot, (&TestedPatient{FirstName: "A", DOB: "1990-01-01"}).DifferenceFrom(nil))
}

func TestNameReadings(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][][]string{
		"Ada":             {{"ada"}},
		"O’Brien, Seán":   {{"obrien", "sean"}, {"obriensean"}},
		"Robert J. Ewing": {{"ewing", "robert"}, {"robertewing"}},
		"Ewing Jr":        {{"ewing"}},
		"J":               {{"j"}},
		"Müller":          {{"muller"}, {"mueller"}},
		" - ":             nil,
		"":                nil,
	} {
		require.Equal(t, want, NameReadings(name), "%q", name)
	}
	require.LessOrEqual(t, len(NameReadings("Jörg Müller Größe Käse Löwe Süß")), maxNameReadings)
}
