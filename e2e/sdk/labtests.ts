import assert from "node:assert/strict";
import { test } from "node:test";
import { Junction } from "@junction-api/sdk";
import { refused } from "./client";
import { labTests, nobody, ours, unknown } from "./orders";

export function labTestsSubject(): void {
  test("lab tests are listed and read", async () => {
    const all = await ours.labTests.get();
    for (const [method, id] of Object.entries(labTests)) {
      const one = all.find((t) => t.id === id);
      assert.ok(one);
      assert.equal(one.method, method);
      assert.deepEqual([one.isActive, one.status, one.sampleType], [true, "active", "serum"]);
      assert.equal(typeof one.price, "number");
      assert.equal(one.lab?.city, "Phoenix");
      assert.deepEqual(await ours.labTests.getById({ labTestId: id }), one);
    }
    const walkIn = await ours.labTests.get({ collectionMethod: "walk_in_test", labSlug: "quest", status: "active", name: "LIPIDS" });
    assert.ok(walkIn.length > 0 && walkIn.every((t) => t.method === "walk_in_test"));
    assert.deepEqual(await ours.labTests.get({ name: "no such test" }), []);
    assert.deepEqual(await ours.labTests.get({ generationMethod: "auto" }), []);

    assert.ok((await ours.labTests.get({ markerIds: [701, 702] })).every((t) => t.id === labTests.on_site_collection));
    assert.deepEqual(await ours.labTests.get({ providerIds: "none" }), []);

    await refused(404, ours.labTests.getById({ labTestId: unknown }));
    await refused(404, ours.labTests.getById({ labTestId: labTests.testkit, labAccountId: unknown }));
    await refused(401, nobody.labTests.get());
    await refused(401, nobody.labTests.getById({ labTestId: unknown }));
  });

  test("lab tests are read page by page", async () => {
    const filter = { collectionMethod: "testkit", orderKey: "updated_at", orderDirection: "desc" } as const;
    const all = await ours.labTests.get(filter);
    const walked: Junction.ClientFacingLabTest[] = [];
    for (let nextCursor: string | null | undefined; nextCursor !== null; ) {
      const page: Junction.LabTestResourcesResponse = await ours.labTests.getPaginated({ ...filter, labTestLimit: 2, nextCursor });
      assert.equal(page.pricing, null);
      walked.push(...page.data);
      nextCursor = page.nextCursor ?? null;
    }
    assert.deepEqual(walked, all);
    const priced = await ours.labTests.getPaginated({ includePricing: true });
    assert.equal(priced.pricing?.currency, "USD");
    assert.deepEqual(priced.pricing.data[labTests.testkit].pricing, { unspecified: "refer_to_contract" });
    assert.ok((await refused(422, ours.labTests.getPaginated({ nextCursor: "no cursor" }))) instanceof Junction.UnprocessableEntityError);
  });

  test("labs and markers", async () => {
    const labs = await ours.labTests.getLabs();
    const sim = labs.find((l) => l.slug === "sim");
    assert.ok(sim);
    assert.deepEqual(sim.collectionMethods, ["testkit", "at_home_phlebotomy", "on_site_collection"]);

    const page = await ours.labTests.getMarkers({ labId: [sim.id], includePricing: true, size: 1 });
    assert.deepEqual([page.total, page.page, page.size, page.pages], [2, 1, 1, 2]);
    assert.deepEqual([page.markers[0].name, page.markers[0].providerId, page.markers[0].labId], ["HDL", "H1", sim.id]);
    assert.deepEqual(page.pricing?.data["701"], { unspecified: "refer_to_contract" });
    assert.deepEqual((await ours.labTests.getMarkers({ labSlug: "quest" })).markers, []);
    assert.deepEqual((await ours.labTests.getMarkers({ aLaCarteEnabled: true })).markers, []);

    const labTestId = labTests.on_site_collection;
    const ofTest = await ours.labTests.getMarkersForLabTest({ labTestId });
    assert.deepEqual(ofTest.markers.map((m) => m.id), [701, 702]);
    assert.deepEqual((await ours.labTests.getMarkersForOrderSet({ body: { labTestIds: [labTestId] } })).markers, ofTest.markers);
    const one = await ours.labTests.getMarkersByLabAndProviderId({ labId: sim.id, providerId: "L 1/2" });
    assert.equal(one.id, 702);
    await refused(404, ours.labTests.getMarkersByLabAndProviderId({ labId: sim.id, providerId: "none" }));
    await refused(404, ours.labTests.getMarkersForLabTest({ labTestId: unknown }));
    await refused(400, ours.labTests.getMarkersForOrderSet({ body: {} }));
    await refused(401, nobody.labTests.getLabs());
  });
}
