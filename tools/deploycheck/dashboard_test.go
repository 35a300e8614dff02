package deploycheck

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// panel holds the checked fields of a panel of the dashboard.
type panel struct {
	ID         int    `json:"id"`
	Type       string `json:"type"`
	Title      string `json:"title"`
	Datasource *struct {
		UID string `json:"uid"`
	} `json:"datasource"`
	GridPos struct{ H, W, X, Y int } `json:"gridPos"`
	Targets []struct {
		RefID string `json:"refId"`
		Expr  string `json:"expr"`
	} `json:"targets"`
}

func panels(t *testing.T) []panel {
	t.Helper()
	var dashboard struct {
		UID    string  `json:"uid"`
		Title  string  `json:"title"`
		Panels []panel `json:"panels"`
	}
	require.NoError(t, json.Unmarshal([]byte(read(t, "docker/grafana/dashboards/aliquot.json")), &dashboard))
	require.NotEmpty(t, dashboard.UID)
	require.Greater(t, len(dashboard.Panels), 30)
	return dashboard.Panels
}

// panelFaults lists what is wrong with the panels of a dashboard.
func panelFaults(panels []panel, source string) (found []string) {
	ids := map[int]bool{}
	taken := map[[2]int]string{}
	for _, p := range panels {
		report := func(what string) { found = append(found, fmt.Sprintf("%s: %s", p.Title, what)) }
		if p.Title == "" || ids[p.ID] {
			report("it has no title, or another's id")
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x > 23 {
					report("it overlaps " + other + ", or is outside of the grid")
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if len(p.Targets) == 0 || p.Datasource == nil || p.Datasource.UID != source {
			report("it has no query, or another data source")
		}
	}
	return found
}

func TestTheDashboardIsWhole(t *testing.T) {
	t.Parallel()
	provisioned := read(t, "docker/grafana/provisioning/datasources/prometheus.yaml")
	require.Contains(t, provisioned, "uid: prometheus\n")
	require.Contains(t, read(t, "docker/grafana/provisioning/dashboards/aliquot.yaml"), "path: /etc/grafana/dashboards\n")
	all := panels(t)
	require.Empty(t, panelFaults(all, "prometheus"))

	// The control.
	all[1].GridPos, all[2].ID, all[3].Targets = all[4].GridPos, all[5].ID, nil
	require.NotEmpty(t, panelFaults(all, "prometheus"))
}
