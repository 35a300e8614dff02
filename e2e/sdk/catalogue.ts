import assert from "node:assert/strict";
import { test } from "node:test";
import { Junction } from "@junction-api/sdk";
import { refused } from "./client";
import { labTests, anonymous, ours, patientAddress, patientDetails, theirs, unknown, userId } from "./orders";

// Ids of the imported catalogue (e2e/testdata/catalogue.json).
const lab = 12;
const glucose = 1201;
const lead = 1202;
const purpose = 5400000000011;
const county = 5400000000012;

// order creates an order at the lab of the catalogue.
function order(
  orderSet: Junction.OrderSetRequest,
  aoeAnswers: Junction.AoEAnswer[] = [],
  collectionMethod: Junction.LabTestCollectionMethod | null = "walk_in_test",
) {
  return ours.labTests.createOrder({
    userId,
    orderSet,
    aoeAnswers,
    collectionMethod,
    patientDetails,
    patientAddress,
    passthrough: "sandbox:silent",
  });
}

// problems returns the locations of a request's validation errors.
function problems(error: { body?: unknown }): unknown[][] {
  return (error.body as { detail: { loc: unknown[] }[] }).detail.map((p) => p.loc);
}

export function catalogue(): void {
  test("markers have questions, expected results and prices", async () => {
    const { markers, pricing } = await ours.labTests.getMarkers({ labId: [lab], includePricing: true });
    assert.deepEqual(
      markers.map((m) => m.id),
      [1201, 1202, 1203],
      "markers that cannot be ordered are not listed",
    );
    const [first, second] = markers;
    assert.deepEqual(
      [first.price, first.aLaCarteEnabled, first.isOrderable, first.commonTatDays],
      ["12.50", true, true, 1],
    );
    const result = first.expectedResults[0];
    assert.deepEqual(
      [result.name, result.required, result.providerId, result.loinc?.code, result.loinc?.unit],
      ["Glucose", true, "7201", "2345-7", "mg/dL"],
    );
    assert.deepEqual(
      second.aoe?.questions.map((q) => [
        q.id,
        q.code,
        q.type,
        q.required,
        q.sequence,
        q.answers.map((a) => a.code),
        q.constraint ?? null,
      ]),
      [
        [purpose, "PBPURPOSE", "choice", true, 1, ["I", "R"], null],
        [county, "PBCOUNTY", "text", false, 2, [], "Letters only"],
      ],
    );
    assert.deepEqual(pricing?.data, {
      "1201": {
        baseAmountMinor: 1250,
        modifiers: [{ deltaAmountMinor: 250, conditions: { usState: { anyOf: ["AK", "HI"] } } }],
      },
      "1202": { unspecified: "refer_to_contract" },
      "1203": { unspecified: "refer_to_contract" },
    });
    const alone = await ours.labTests.getMarkers({ labSlug: "labcorp", aLaCarteEnabled: true });
    assert.deepEqual(
      alone.markers.map((m) => m.id),
      [glucose, lead],
    );
    assert.equal((await ours.labTests.getMarkersByLabAndProviderId({ labId: lab, providerId: "7202" })).id, lead);
  });

  test("lab tests are made of markers, renamed and archived", async () => {
    const what = { name: "Our panel", method: "walk_in_test", description: "Two markers" } as const;
    const made = await ours.labTests.create({ ...what, providerIds: ["7201", "7202"], fasting: true });
    assert.deepEqual(
      [
        made.name,
        made.method,
        made.status,
        made.isActive,
        made.fasting,
        made.sampleType,
        made.lab?.slug,
        made.commonTatDays ?? null,
        made.worstCaseTatDays ?? null,
      ],
      ["Our panel", "walk_in_test", "pending_approval", false, true, "serum", "labcorp", 2, null],
    );
    assert.deepEqual(
      made.markers?.map((m) => m.id),
      [glucose, lead],
    );
    assert.deepEqual(await ours.labTests.getById({ labTestId: made.id }), made);
    const renamed = await ours.labTests.updateLabTest({ labTestId: made.id, name: "Renamed" });
    assert.deepEqual(renamed, { ...made, name: "Renamed" });
    await refused(400, ours.labTests.updateLabTest({ labTestId: made.id, active: true })); // its approval is pending
    await refused(400, order({ labTestIds: [made.id] }));

    for (const wrong of [
      {},
      { markerIds: [glucose], providerIds: ["7201"] },
      { markerIds: [1] },
      { markerIds: [1204] },
      { markerIds: [701, glucose] },
      { providerIds: ["none"] },
      { markerIds: [glucose], method: "testkit" as const },
      { markerIds: [glucose], labSlug: "quest" as const },
    ]) {
      await refused(400, ours.labTests.create({ ...what, ...wrong }));
    }
    await refused(404, ours.labTests.create({ ...what, markerIds: [glucose], labAccountId: unknown }));
    const error = await refused(422, ours.labTests.create({ ...what, name: "", markerIds: [glucose] }));
    assert.deepEqual(problems(error), [["body", "name"]]);
    await refused(401, anonymous.labTests.create(what));
    await refused(404, theirs.labTests.updateLabTest({ labTestId: made.id, name: "Stolen" }));
    await refused(400, ours.labTests.updateLabTest({ labTestId: labTests.testkit, name: "Of all teams" }));
    await refused(404, ours.labTests.updateLabTest({ labTestId: unknown, active: false }));
    await refused(401, anonymous.labTests.updateLabTest({ labTestId: made.id }));
  });

  test("markers are ordered à la carte, with answers to questions of the lab", async () => {
    const both = { addOn: { markerIds: [glucose, lead] } };
    const placed = (await order(both, [{ markerId: lead, questionId: purpose, answer: "I" }])).order;
    assert.deepEqual(
      [placed.labTest.name, placed.labTest.autoGenerated, placed.labTest.method, placed.details.type],
      ["Glucose + Lead, Blood", true, "walk_in_test", "walk_in_test"],
    );
    const made = await ours.labTests.getById({ labTestId: placed.labTest.id });
    assert.deepEqual(
      made.markers?.map((m) => m.id),
      [glucose, lead],
    );
    assert.ok((await ours.labTests.get({ generationMethod: "auto" })).some((t) => t.id === made.id));
    assert.equal((await order({ addOn: { providerIds: ["7201"] } })).order.labTest.name, "Glucose");
    assert.deepEqual(
      (await ours.labTests.getMarkersForOrderSet({ body: both })).markers.map((m) => m.id),
      [glucose, lead],
    );
    await refused(404, theirs.labTests.getById({ labTestId: made.id }));

    await refused(400, order(both, [])); // without an answer to a required question
    await refused(400, order(both, [], null)); // without a collection method
    await refused(400, order({ addOn: {} }));
    await refused(400, order({ addOn: { markerIds: [glucose], providerIds: ["7201"] } }));
    await refused(400, order({ addOn: { markerIds: [1203] } })); // not à la carte
    await refused(400, order({ addOn: { markerIds: [1204] } })); // not orderable
    // The lab test belongs to another lab.
    await refused(400, order({ labTestIds: [labTests.walk_in_test], addOn: { markerIds: [glucose] } }));
    await refused(400, order({ labTestIds: [labTests.testkit, labTests.walk_in_test] }, [], null));
    const error = await refused(
      422,
      order(both, [
        { markerId: lead, questionId: purpose, answer: "X" },
        { markerId: lead, questionId: county, answer: "12" },
        { markerId: 1, questionId: purpose, answer: "I" },
      ]),
    );
    assert.ok(error instanceof Junction.UnprocessableEntityError);
    assert.deepEqual(problems(error), [
      ["body", "aoe_answers", 0, "answer"],
      ["body", "aoe_answers", 1, "answer"],
      ["body", "aoe_answers", 2, "marker_id"],
    ]);
  });

  test("labs and providers near a postal code", async () => {
    const area = await ours.labTests.getAreaInfo({ zipCode: "85004", radius: "10" });
    assert.deepEqual(area.phlebotomy, {
      isServed: true,
      providers: [{ name: "getlabs", serviceTypes: ["appointment-ready"] }],
    });
    assert.deepEqual(area.centralLabs, {
      labcorp: {
        labId: lab,
        supportedBillTypes: ["client_bill", "patient_bill"],
        patientServiceCenters: {
          appointmentWithVital: false,
          withinRadius: 1,
          radius: "10",
          capabilities: ["appointment_scheduling_with_lab", "stat"],
        },
      },
      quest: {
        labId: 6,
        supportedBillTypes: ["client_bill"],
        patientServiceCenters: {
          appointmentWithVital: true,
          withinRadius: 1,
          radius: "10",
          capabilities: ["appointment_scheduling_via_junction"],
        },
      },
    });
    assert.deepEqual(
      Object.keys((await ours.labTests.getAreaInfo({ zipCode: "85004", labs: ["labcorp"] })).centralLabs),
      ["labcorp"],
    );
    const nowhere = await ours.labTests.getAreaInfo({ zipCode: "99999" });
    assert.deepEqual(
      [nowhere.phlebotomy.isServed, nowhere.centralLabs.quest.patientServiceCenters.withinRadius],
      [false, 0],
    );
    const error = await refused(422, ours.labTests.getAreaInfo({ zipCode: "8500" }));
    assert.deepEqual(problems(error), [["query", "zip_code"]]);
    await refused(404, ours.labTests.getAreaInfo({ zipCode: "85004", labAccountId: unknown }));
    await refused(401, anonymous.labTests.getAreaInfo({ zipCode: "85004" }));
  });

  test("patient service centers, nearest first", async () => {
    const all = await ours.labTests.getPscInfo({ zipCode: "85004", labId: lab });
    assert.deepEqual(
      [all.labId, all.slug, all.patientServiceCenters.map((c) => [c.siteCode, c.distance])],
      [
        lab,
        "labcorp",
        [
          ["L1", 1],
          ["L2", 12],
        ],
      ],
    );
    const [first, second] = all.patientServiceCenters;
    assert.deepEqual(first.location, { lng: -112.078, lat: 33.4483 });
    assert.deepEqual(
      [first.metadata.name, first.metadata.zipCode, first.metadata.hours],
      ["Labcorp - Downtown", "85003", { monday: "07:00-16:00" }],
    );
    assert.equal(second.metadata.hours ?? null, null);
    const some = await ours.labTests.getPscInfo({
      zipCode: "85004",
      labId: lab,
      radius: "50",
      capabilities: ["stat", "appointment_scheduling_with_lab"],
    });
    assert.deepEqual(some.patientServiceCenters, [first]);
    assert.deepEqual(
      (await ours.labTests.getPscInfo({ zipCode: "99999", labId: lab, radius: "100" })).patientServiceCenters,
      [],
    );
    await refused(404, ours.labTests.getPscInfo({ zipCode: "85004", labId: 99 }));
    await refused(422, ours.labTests.getPscInfo({ zipCode: "x", labId: lab }));
    await refused(401, anonymous.labTests.getPscInfo({ zipCode: "85004", labId: lab }));

    const { order: placed } = await order({ addOn: { markerIds: [glucose] } });
    assert.deepEqual(await ours.labTests.getOrderPscInfo({ orderId: placed.id }), all);
    assert.deepEqual(
      (await ours.labTests.getOrderPscInfo({ orderId: placed.id, radius: "10", capabilities: "stat" }))
        .patientServiceCenters,
      [first],
    );
    await refused(404, theirs.labTests.getOrderPscInfo({ orderId: placed.id }));
    await refused(404, ours.labTests.getOrderPscInfo({ orderId: unknown }));
    await refused(422, ours.labTests.getOrderPscInfo({ orderId: "none" }));
    await refused(401, anonymous.labTests.getOrderPscInfo({ orderId: placed.id }));
  });
}
