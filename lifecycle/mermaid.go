package lifecycle

import (
	"fmt"
	"strings"
)

// writeDiagram draws a flowchart, because Mermaid's state diagrams have no dashed arrows.
func writeDiagram(b *strings.Builder, m *Machine) {
	b.WriteString("```mermaid\nflowchart TD\n")
	for _, l := range m.LowStatuses() {
		if Terminal(l) {
			fmt.Fprintf(b, "    %s([%s])\n", l, l)
			continue
		}
		fmt.Fprintf(b, "    %s[%s]\n", l, l)
	}
	for _, e := range m.edges {
		fmt.Fprintf(b, "    %s %s%s %s\n", e.From, edgeArrow(e), guardLabel(e.Guard), e.To)
	}
	b.WriteString("```\n")
}

func edgeArrow(e Edge) string {
	if e.Documented {
		return "-->"
	}
	return "-.->"
}

func guardLabel(g Guard) string {
	if g == Always {
		return ""
	}
	return "|" + string(g) + "|"
}
