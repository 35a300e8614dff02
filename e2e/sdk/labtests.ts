import assert from "node:assert/strict";
import { test } from "node:test";
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

    await refused(404, ours.labTests.getById({ labTestId: unknown }));
    await refused(401, nobody.labTests.get());
    await refused(401, nobody.labTests.getById({ labTestId: unknown }));
  });
}
