package lifecycle

import "slices"

// onSiteWay is the usual way of a draw at the client's own site.
var onSiteWay = []LowStatus{Ordered, RequisitionCreated, DrawCompleted, Completed}

// onSiteEdges is the table of a draw at the client's own site. The client says when it is done.
func onSiteEdges() []Edge {
	return slices.Concat(
		edgesFrom(Ordered,
			documented(RequisitionCreated, by(System)),
			documented(Cancelled, demandActors),
			extension(RequisitionBypassed, by(System), "an imported order already has a requisition"),
		),
		edgesFromEach([]LowStatus{RequisitionCreated, RequisitionBypassed},
			documented(DrawCompleted, by(Client, System)),
			documented(Cancelled, demandActors),
		),
		edgesAfterDraw(),
		correctionEdges(),
	)
}
