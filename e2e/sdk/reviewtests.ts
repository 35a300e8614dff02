import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { Junction } from "@junction-api/sdk";
import { refused, until } from "./client";
import { labTests, anonymous, ours, theirs, unknown } from "./orders";

export function reviewTests(): void {
  for (const name of Object.values(Junction.UnmatchedResultTestCase)) {
    if (name === Junction.UnmatchedResultTestCase.WrongLab) continue; // see the next test
    test(`a test result is decided as ${name}`, async () => {
      const { data } = await ours.labTests.listUnmatchedResultTestCases();
      const definition = data.find((d) => d.case === name);
      assert.ok(definition);
      await judged({ case: name, labTestId: labTests.on_site_collection }, definition.orderRoles);
    });
  }

  test("a test result comes from the wrong lab", async () => {
    await judged({ case: "wrong_lab", labTestId: labTests.on_site_collection }, ["order"]);
  });

  test("tests of unmatched results: refusals", async () => {
    const idempotencyKey = randomUUID();
    const body = { idempotencyKey, case: "no_match", orderSource: "managed" } as const;
    const { runId } = await ours.labTests.createUnmatchedResultTest(body);
    assert.equal((await ours.labTests.createUnmatchedResultTest(body)).runId, runId);
    await refused(409, ours.labTests.createUnmatchedResultTest({ ...body, resultStatus: "partial" }));
    await refused(401, anonymous.labTests.createUnmatchedResultTest(body));
    await refused(404, theirs.labTests.getUnmatchedResultTest({ runId }));
    await refused(404, ours.labTests.getUnmatchedResultTest({ runId: unknown }));
    const orders = await refused(
      422,
      ours.labTests.createUnmatchedResultTest({
        ...body,
        idempotencyKey: randomUUID(),
        orderSource: "provided",
        orders: { x: unknown },
      }),
    );
    assert.ok(orders instanceof Junction.UnprocessableEntityError);
  });
}

// judged creates a test of an unmatched result and checks its match review.
async function judged(
  ask: { case: Junction.UnmatchedResultTestCase; labTestId: string },
  roles: string[],
): Promise<void> {
  const { runId } = await ours.labTests.createUnmatchedResultTest({
    idempotencyKey: randomUUID(),
    orderSource: "managed",
    interpretation: "critical",
    ...ask,
  });
  const run = await until(
    `test ${ask.case}`,
    () => ours.labTests.getUnmatchedResultTest({ runId }),
    (r) => r.completedAt instanceof Date,
  );
  assert.deepEqual(
    [run.status, run.stage, run.error ?? null, run.case, run.orderSource, run.resultStatus],
    ["succeeded", "succeeded", null, ask.case, "managed", "final"],
  );
  assert.deepEqual(Object.keys(run.orders ?? {}).sort(), [...roles].sort());
  assert.ok(run.rawResultId);
  const review = await ours.labTests.getUnmatchedResult({ rawResultId: run.rawResultId });
  assert.deepEqual(
    [review.decisionCode, review.status, review.interpretation],
    [ask.case, "pending_customer_review", "critical"],
  );
  const candidates = (review.candidateGroups ?? []).flatMap((g) => g.candidates ?? []).map((c) => c.orderId);
  for (const order of Object.values(run.orders ?? {})) assert.ok(candidates.includes(order.orderId));
  await ours.labTests.resolveUnmatchedResult({ rawResultId: run.rawResultId, action: "reject" });
}
