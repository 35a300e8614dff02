package chaos

// checkCounts: what is counted is what there is.
func (c *checker) checkCounts() {
	there := map[Count]int{}
	for _, o := range c.observations.Store.Orders {
		if o.Unfinished {
			there[Count{Modality: o.Modality, Status: o.Status}]++
		}
	}
	for _, n := range c.observations.Store.Counts {
		key := Count{Modality: n.Modality, Status: n.Status}
		if there[key] != n.N {
			c.report("orders %s %s: %d are counted, and %d are there", n.Modality, n.Status, n.N, there[key])
		}
		delete(there, key)
	}
	for key, n := range there {
		c.report("orders %s %s: none is counted, and %d are there", key.Modality, key.Status, n)
	}
}
