package catalogue_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/catalogue"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// Reading the catalogue has checked ids, references and check digits of LOINC codes.
func TestTheDemonstrationCatalogueIsRealistic(t *testing.T) {
	t.Parallel()
	c, err := catalogue.DemoCatalogue()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(c.Labs), 3)
	codes, questions, types := map[string]bool{}, 0, map[order.QuestionType]int{}
	for _, m := range c.Markers {
		require.NotNil(t, m.LOINC, m.Name)
		require.NotEmpty(t, m.ExpectedResults, m.Name)
		require.NotEmpty(t, m.SampleType, m.Name)
		codes[*m.LOINC] = true
		if len(m.Questions) > 0 {
			questions++
		}
		for _, q := range m.Questions {
			types[q.Type]++
		}
		for _, e := range m.ExpectedResults {
			require.NotNil(t, e.LOINC, m.Name)
			codes[e.LOINC.Code] = true
		}
	}
	require.GreaterOrEqual(t, len(codes), 150, "distinct LOINC codes")
	require.GreaterOrEqual(t, questions, 20)
	require.Len(t, types, 4, "every type of question is asked")
	methods, used := map[lifecycle.Modality]int{}, map[int64]bool{}
	for _, test := range c.LabTests {
		methods[test.Method]++
		require.NotNil(t, test.CommonTATDays, test.Name)
		for _, m := range test.Markers {
			used[m.ID] = true
			require.False(t, m.Inactive)
		}
	}
	for _, m := range lifecycle.Modalities() {
		require.GreaterOrEqual(t, methods[m], 3, m)
	}
	require.Greater(t, len(used), 60)
	states := map[string]bool{}
	for _, s := range c.Sites {
		states[s.State] = true
		i := slices.IndexFunc(c.ZipCenters, func(z order.ZipCenter) bool { return z.Zip == s.Zip })
		require.GreaterOrEqual(t, i, 0, "%s: zip %s", s.Code, s.Zip)
		require.Less(t, c.ZipCenters[i].MilesTo(order.Point{Lat: s.Lat, Lng: s.Lng}), 5.0, "%s is not where its zip is",
			s.Code)
	}
	require.GreaterOrEqual(t, len(states), 8)
	require.Equal(t, []string{"getlabs", "phlebfinders"}, c.PhlebotomyProviders())
}
