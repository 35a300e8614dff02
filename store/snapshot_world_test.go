package store

import (
	"encoding/json"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/billing"
	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/migrator"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// The secrets with which the tests of the snapshot call the store.
const (
	snapshotKey       = "sk_us_snapshot-present"
	snapshotOldKey    = "sk_us_snapshot-previous"
	snapshotOps       = "sk_us_snapshot-operations"
	snapshotToken     = "snapshot-token"
	snapshotLabUser   = "snapshot-practice"
	snapshotLabSecret = "snapshot-lab-token"
)

// open creates the team, its access, its accounts and the catalogue.
func (w *snapshotWriter) open() {
	ctx, s := w.t.Context(), w.s
	require.NoError(w.t, s.CheckEncryptionKeys(ctx))
	m, err := s.migratorWith([]migrator.Backfill{{Name: "snapshot", Table: "teams", Fill: migrator.FillBy(
		`UPDATE teams SET name = name WHERE id > $1 AND id <= $2`)}})
	require.NoError(w.t, err)
	require.NoError(w.t, m.Fill(ctx))
	w.team, w.user, w.molecular, w.neutral, w.endpoint = sqldb.NewID(), sqldb.NewID(), sqldb.NewID(), sqldb.NewID(),
		sqldb.NewID()
	require.NoError(w.t, s.CreateTeam(ctx,
		Team{ID: w.team, Name: "Snapshot", Environment: Sandbox, Policy: []byte(snapshotPolicy)}))
	key := sqldb.NewID()
	require.NoError(w.t, s.CreateAPIKey(ctx, APIKey{ID: key, TeamID: w.team, Name: "client", Role: RoleClient},
		snapshotOldKey))
	require.NoError(w.t, s.RotateAPIKey(ctx, key, snapshotKey, 876000*time.Hour))
	require.NoError(w.t, s.RecordAPIKeyUse(ctx, APIKey{ID: key}))
	operations := APIKey{ID: sqldb.NewID(), TeamID: w.team, Name: "operations", Role: RoleAdministrator}
	require.NoError(w.t, s.CreateAPIKey(ctx, operations, snapshotOps))
	until := s.now().Add(876000 * time.Hour)
	require.NoError(w.t, s.CreateBearerToken(ctx,
		BearerToken{ID: sqldb.NewID(), TeamID: w.team, APIKeyID: key, CreatedAt: s.now(), ExpiresAt: until}, snapshotToken))

	require.NoError(w.t, s.CreateUser(ctx, User{
		ID: w.user, TeamID: w.team, ClientUserID: "patient-1", FallbackBirthDate: new("1990-01-01 " + w.word()),
		FallbackTimeZone: new("UTC"),
	}))
	require.NoError(w.t, s.PutUserInfo(ctx, w.team, w.user, []byte(`{"first_name":"`+w.word()+`"}`)))
	require.NoError(w.t, s.AddInsurance(ctx, w.team, Insurance{
		ID: sqldb.NewID(), UserID: w.user, Primary: true, Document: []byte(`{"member_id":"` + w.word() + `"}`),
	}))
	require.NoError(w.t, s.RememberPhysician(ctx, w.team, order.Physician{
		FirstName: "Jane", LastName: w.word(), NPI: "1234567890", LicensedStates: []string{"AZ"},
		Signature: &order.Image{ContentType: "image/png", Content: []byte(w.word())},
	}))
	require.NoError(w.t, s.AddPayor(ctx, w.team, billing.Payor{
		Code: "S1", Name: "Plan", Address: billing.Address{City: "Phoenix"}, ProviderIDs: map[string]string{"stedi": "1"},
	}))

	_, err = s.ImportCatalogue(ctx, smallCatalogue(), CatalogueImportOptions{})
	require.NoError(w.t, err)
	require.NoError(w.t, s.PutLab(ctx,
		order.Lab{ID: 27, Slug: "mtl", Name: "Molecular", CollectionMethods: []string{"testkit"}}))
	for id, slug := range map[string]string{w.molecular: "mtl", w.neutral: "quest"} {
		a := LabAccount{
			ID: id, TeamID: w.team, LabSlug: slug, Partner: "molecular", Environment: Sandbox, BaseURL: "http://127.0.0.1:1",
			Status: "active",
			User:   snapshotLabUser, Token: snapshotLabSecret, PreviousUser: w.word(), PreviousToken: w.word(),
			Policy: []byte(`{"minors":true}`),
			Settings: []byte(`{"default_physician":5501,
				"endpoints":{"results":"/Results","order_info":"/OrderInfo","notifications":"/Notifications"}}`),
			Profile: AccountProfile{
				OrgID: new("org"), Name: new("Account"), ClinicalNotes: new("fasting"), BusinessUnits: []string{"b"},
				AllowedBilling:   map[string][]string{"client_bill": {"AZ"}},
				NetworkPhysician: &order.Physician{FirstName: "Grace", LastName: "Hopper", NPI: "1234567893"},
			},
		}
		if slug == "quest" {
			a.Partner, a.Settings = "neutral", []byte(`{
				"collection_methods":["testkit","walk_in_test","at_home_phlebotomy","on_site_collection"],
				"registrable":true,"schedule":true,"provider":"quest"}`)
		}
		require.NoError(w.t, s.PutLabAccount(ctx, a))
	}
	require.NoError(w.t, s.CreateEndpoint(ctx, Endpoint{
		ID: w.endpoint, TeamID: w.team, URL: "http://127.0.0.1:1/hook", Description: "d", Secret: w.word(),
		PreviousSecret: w.word(),
		PreviousUntil:  until, Headers: map[string]string{"X-Word": w.word()},
		FilterTypes: []string{"labtest.order.created", "labtest.order.updated"},
	}))
}

// kits creates the orders of testkits.
func (w *snapshotWriter) kits() {
	rejected := order.Fact{Kind: order.FactKitRejected, Recoverable: new(true)}
	w.order("kit ordered")
	later := func(o *order.Order) { o.ActivateBy = &order.Date{Year: 2110, Month: time.March, Day: 1} }
	w.order("kit scheduled", later)
	w.fact(w.order("kit with a parked fact", later), order.Fact{Kind: order.FactKitReceived})
	w.fact(w.order("kit whose fact came first"), order.Fact{Kind: order.FactKitReceived})
	w.placeOrders(w.order("kit placed"))
	shipped := order.Fact{Kind: order.FactKitShipped, OutboundNumber: "9400100000000000000011",
		InboundNumber: "9400100000000000000012",
		KitRegCode:    "REG1"}
	transit := w.order("kit on its way")
	w.placeOrders(transit)
	w.fact(transit, shipped)
	require.NoError(w.t, w.s.SetTracker(w.t.Context(), transit.ID, "outbound", shipped.OutboundNumber, "trk_1"))
	atLab := w.order("kit at the lab")
	w.placeOrders(atLab)
	w.fact(atLab, order.Fact{Kind: order.FactKitReceived, CollectedAt: w.s.now()})
	blocked := w.order("kit blocked")
	w.placeOrders(blocked)
	w.fact(blocked, rejected)
	recovered := w.order("kit recovered")
	w.placeOrders(recovered)
	w.fact(recovered, rejected)
	patient, address := *recovered.Patient, *recovered.Address
	patient.LastName, address.FirstLine = w.word(), w.word()
	w.demand(recovered, order.Demand{Kind: order.DemandRecover, Confirmed: true}, order.Correction{Patient: &patient,
		Address: &address, Note: w.word()})

	for name, i := range map[string]order.Interpretation{"normal": order.InterpretationNormal,
		"abnormal": order.InterpretationAbnormal,
		"critical": order.InterpretationCritical} {
		o := w.order("kit completed, " + name)
		w.placeOrders(o)
		w.fact(o, order.Fact{Kind: order.FactKitReceived})
		w.results(o, i, false)
		if name == "abnormal" {
			w.results(o, order.InterpretationNormal, false)
		}
	}
	cancelled := w.order("kit cancelled")
	w.demand(cancelled, order.Demand{Kind: order.DemandCancel}, nil)
	cancelling := w.order("kit being cancelled")
	w.placeOrders(cancelling)
	asked := order.Demand{ID: sqldb.NewID(), Kind: order.DemandCancel, By: lifecycle.Client}
	w.add(cancelling, asked, nil)
	w.decide(cancelling, order.Recording{},
		func(st order.State) order.Decision { return st.ApplyCancelAsked(asked, w.s.now()) })
	failed := w.order("kit failed and replaced")
	w.placeOrders(failed)
	w.fact(failed, order.Fact{Kind: order.FactKitRejected, Recoverable: new(false)})
	w.order("kit imported", func(o *order.Order) { o.Imported = true })

	w.placeOrders(w.order("kit not registered", w.registrable))
	registered := w.order("kit registered", w.registrable)
	w.placeOrders(registered)
	known := newOrder(w.s, w.team, w.fill).Order
	w.demand(registered, order.Demand{Kind: order.DemandRegister}, order.Registration{
		Patient: known.Patient, Address: known.Address, Physician: known.Physician, Consents: known.Consents,
		Insurance: known.Insurance,
	})
}

// visits creates the orders of the other modalities.
func (w *snapshotWriter) visits() {
	w.order("walk-in ordered", w.at(lifecycle.WalkIn))
	booked := w.order("walk-in booked", w.at(lifecycle.WalkIn))
	w.placeOrders(booked)
	w.book(booked, order.DemandBookAppointment)
	partial := w.order("walk-in with partial results", w.at(lifecycle.WalkIn))
	w.placeOrders(partial)
	w.results(partial, order.InterpretationNormal, true)
	redraw := w.order("walk-in drawn again", w.at(lifecycle.WalkIn), setPanelOrder)
	redraw.LabAccountID = w.neutral
	w.placeOrders(redraw)
	v, _, err := w.s.StoreLabReport(w.t.Context(), redraw.ID, 1, reportWithMissingMarkers(), sha256Hex("faulty"), nil, nil)
	require.NoError(w.t, err)
	w.decide(redraw, order.Recording{ResultID: v.ID}, func(st order.State) order.Decision {
		d := decisionWithSteps(st, w.s.now(), lifecycle.RedrawAvailable)
		d.CreateRedraw = true
		return d
	})
	home := w.order("phlebotomy booked", w.at(lifecycle.AtHomePhlebotomy))
	w.placeOrders(home)
	w.book(home, order.DemandBookAppointment)
	drawn := w.order("phlebotomy drawn", w.at(lifecycle.AtHomePhlebotomy))
	w.placeOrders(drawn)
	w.book(drawn, order.DemandRequestAppointment)
	w.fact(drawn, order.Fact{Kind: order.FactDrawCompleted})
	w.order("on-site ordered", w.at(lifecycle.OnSite))
	onSite := w.order("on-site drawn", w.at(lifecycle.OnSite))
	w.placeOrders(onSite)
	w.demand(onSite, order.Demand{Kind: order.DemandDrawCompleted}, nil)
	done := w.order("on-site completed", w.at(lifecycle.OnSite))
	w.placeOrders(done)
	w.demand(done, order.Demand{Kind: order.DemandDrawCompleted}, nil)
	w.results(done, order.InterpretationNormal, false)
}

// rest fills the tables that no order has filled: calls, deliveries, reviews, the audit log and limits.
func (w *snapshotWriter) rest() {
	ctx, s, o := w.t.Context(), w.s, w.orders["kit cancelled"]
	call := sqldb.NewID()
	_, err := s.RecordPartnerCallStart(ctx, PartnerCall{ID: call, OrderID: o.ID, Kind: "place"})
	require.NoError(w.t, err)
	require.NoError(w.t, s.RecordPartnerCallEnd(ctx, call, "done", []byte(w.word())))
	notes, err := json.Marshal(w.word())
	require.NoError(w.t, err)
	shipment := getOrder(w.t, s, w.orders["kit on its way"].ID).Shipment
	execUnchecked(w.t, s, `UPDATE shipments SET notes = $1 WHERE id = $2`, s.keys.Seal("shipments/"+shipment.ID+"/notes",
		notes), shipment.ID)
	_, err = s.NoteCourierRefusal(ctx, "easypost", 401, "APIKEY.INACTIVE")
	require.NoError(w.t, err)
	lease, _, err := s.TakeDeliveryLease(ctx, DeliveryLease{EndpointID: w.endpoint, Owner: testids.Of("batch"),
		Duration: time.Minute})
	require.NoError(w.t, err)
	require.NoError(w.t, s.ReleaseDeliveryLease(ctx, lease))
	due, err := s.DueDeliveries(ctx, DueQuery{EndpointID: w.endpoint, Now: s.now(), Limit: 2})
	require.NoError(w.t, err)
	require.Len(w.t, due, 2)
	require.NoError(w.t, recordAttempt(s, w.endpoint,
		AttemptRow{MessageID: due[0].MessageID, Number: 1, At: s.now(), StatusCode: 200, Delivered: true}))
	require.NoError(w.t, recordAttempt(s, w.endpoint, AttemptRow{
		MessageID: due[1].MessageID, Number: 1, At: s.now(), StatusCode: 500, Failure: "status", Excerpt: []byte(w.word()),
		NextAt: s.now().Add(time.Hour),
	}))

	held := w.report(o, 1, order.InterpretationAbnormal)
	_, err = recordUntil(w.t, s, order.Recording{OrderID: o.ID, Cause: order.CauseCall(sqldb.NewID()),
		HeldResultID: held.ID},
		func(st order.State) order.Decision {
			return order.Decision{Outcome: order.OutcomeRefused, Reason: order.ReasonOrderEnded, From: st.Status, Next: st}
		})
	require.NoError(w.t, err)
	announced := w.message("NOBODYS-1", order.Fact{Kind: order.FactReportReady})
	announced.LabAccountID = w.molecular
	in, err := s.StoreInboxItem(ctx, announced)
	require.NoError(w.t, err)
	who := &order.TestedPatient{FirstName: o.Patient.FirstName, LastName: o.Patient.LastName, DOB: o.Patient.DOB.String()}
	r, _ := openUnmatchedReview(w.t, s, in, reportOn(w.word(), who), w.word())
	_, _, err = s.ResolveMatchReview(ctx, w.team, r.ID, order.MatchReviewReject, w.word())
	require.NoError(w.t, err)
	run, _, err := s.CreateUnmatchedResultTestRun(ctx, snapshotReviewTest(w.team, s.now()), "review-test")
	require.NoError(w.t, err)
	require.NoError(w.t, s.FailUnmatchedResultTestRun(ctx, run, "failed", "why"))

	for _, action := range []string{"order.read", "order.cancel", "order.create"} {
		require.NoError(w.t, s.AppendAudit(ctx, AuditRow{
			APIKeyID: testids.Of("key"), TeamID: w.team, OrderID: o.ID, Action: action, RequestID: "r",
			Address: "192.0.2.7", Detail: "d",
		}))
	}
	_, err = s.SealAudit(ctx, 10)
	require.NoError(w.t, err)
	_, _, err = s.ReserveCallStart(ctx,
		CallStartRequest{Account: w.molecular, Spacing: time.Millisecond, Lane: LaneUrgent})
	require.NoError(w.t, err)
	_, err = s.TakeRateTokens(ctx, "bucket", 1, RateLimit{PerSecond: 1, Burst: 1})
	require.NoError(w.t, err)
}

func snapshotReviewTest(team string, at time.Time) UnmatchedResultTestRun {
	return UnmatchedResultTestRun{ID: sqldb.NewID(), TeamID: team, CreatedAt: at, LeaseUntil: at,
		Request: UnmatchedResultTestRequest{
			Case: order.MatchCancelled, Source: "created", ResultStatus: "final", Interpretation: order.InterpretationNormal,
			Orders: map[string]string{"a": "b"},
		}}
}
