package lifecycle

import "slices"

// onSiteWay is the usual way of a draw at the client's own site.
var onSiteWay = []Low{Ordered, RequisitionCreated, DrawCompleted, Completed}

// onSite is the table of a draw at the client's own site. The client says when it is done.
func onSite() []Edge {
	return slices.Concat(
		from(Ordered,
			documented(RequisitionCreated, by(System)),
			documented(Cancelled, demand),
			extension(RequisitionBypassed, by(System), "an imported order already has a requisition"),
		),
		fromEach([]Low{RequisitionCreated, RequisitionBypassed},
			documented(DrawCompleted, by(Client, System)),
			documented(Cancelled, demand),
		),
		drawn(),
		corrections(),
	)
}
