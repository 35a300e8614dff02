import assert from "node:assert/strict";
import { test } from "node:test";
import { Junction } from "@junction-api/sdk";
import { env, refused } from "./client";
import { ours, place, simulate, theirs, unknown } from "./orders";

export function results(): void {
  test("results are read, of an order and of its transaction", async () => {
    const { id: orderId } = await place("at_home_phlebotomy");
    await refused(404, ours.labTests.getResultRaw({ orderId }));
    await simulate(orderId, "sample_with_lab.at_home_phlebotomy.partial_results");
    assert.equal((await ours.labTests.getResultMetadata({ orderId })).status, "partial");
    const flags = {
      interpretation: "critical",
      resultTypes: ["numeric", "range", "comment", "coded_value"],
      hasMissingResults: true,
    } as const;
    const order = await simulate(orderId, "completed.at_home_phlebotomy.completed", {
      ...flags,
      resultTypes: [...flags.resultTypes],
    });
    assert.deepEqual([order.interpretation, order.hasMissingResults], ["critical", true]);

    const raw = await ours.labTests.getResultRaw({ orderId });
    assert.equal(raw.metadata.status, "final");
    assert.equal(raw.metadata.interpretation, "critical");
    assert.match(raw.metadata.age, /^\d+$/);
    assert.deepEqual(await ours.labTests.getResultMetadata({ orderId }), raw.metadata);
    assert.ok(Array.isArray(raw.results) && raw.results.length > 0);
    const [first] = raw.results as Junction.BiomarkerResult[];
    assert.deepEqual([first.interpretation, first.type], ["critical", "numeric"]);
    assert.ok(first.timestamp instanceof Date);
    assert.ok(raw.missingResults?.[0]?.inferredFailureType);
    const report = await ours.labTests.getResultPdf({ orderId });
    assert.ok((await report.arrayBuffer()).byteLength > 100);

    const transactionId = order.orderTransaction?.id;
    assert.ok(transactionId);
    const transaction = await ours.orderTransaction.getTransaction({ transactionId });
    assert.deepEqual([transaction.status, transaction.orders?.length], ["completed", 1]);
    assert.deepEqual([transaction.orders?.[0]?.id, transaction.orders?.[0]?.lastStatus], [orderId, "completed"]);
    const together = await ours.orderTransaction.getTransactionResult({ transactionId });
    assert.equal(
      (together.results as Junction.BiomarkerResult[]).length,
      (raw.results as Junction.BiomarkerResult[]).length,
    );
    await ours.orderTransaction.getTransactionResultPdf({ transactionId });

    for (const call of [
      () => ours.labTests.getResultRaw({ orderId: unknown }),
      () => ours.labTests.getResultMetadata({ orderId: unknown }),
      () => ours.labTests.getResultPdf({ orderId: unknown }),
      () => theirs.labTests.getResultRaw({ orderId }),
      () => ours.orderTransaction.getTransaction({ transactionId: unknown }),
      () => theirs.orderTransaction.getTransaction({ transactionId }),
      () => ours.orderTransaction.getTransactionResult({ transactionId: unknown }),
      () => ours.orderTransaction.getTransactionResultPdf({ transactionId: unknown }),
    ]) {
      await refused(404, call());
    }
  });

  test("results that belong to no open order are accepted and resolved", async () => {
    const [first, second] = env("ALIQUOT_CANCELLED_ORDERS").split(",");
    const page = await ours.labTests.listUnmatchedResults({ limit: 1 });
    assert.deepEqual([page.data?.length, page.total], [1, 2]);
    const next = await ours.labTests.listUnmatchedResults({ limit: 1, nextCursor: page.nextCursor });
    assert.deepEqual([next.data?.length, next.nextCursor ?? null], [1, null]);
    const all = [...(page.data ?? []), ...(next.data ?? [])];
    const of = (orderId: string) => {
      const review = all.find((r) => r.candidateGroups?.[0]?.candidates?.[0]?.orderId === orderId);
      assert.ok(review);
      return review;
    };
    const review = of(first);
    assert.deepEqual([review.status, review.decisionCode], ["pending_customer_review", "match_cancelled"]);
    assert.deepEqual(await ours.labTests.getUnmatchedResult({ rawResultId: review.id }), review);
    await refused(404, theirs.labTests.getUnmatchedResult({ rawResultId: review.id }));

    const accepted = await ours.labTests.acceptUnmatchedResult({ rawResultId: review.id, note: "drawn before" });
    assert.equal(accepted.id, first);
    await refused(404, ours.labTests.acceptUnmatchedResult({ rawResultId: review.id }));
    const resolved = await ours.labTests.resolveUnmatchedResult({ rawResultId: of(second).id, action: "reject" });
    assert.deepEqual([resolved.status, resolved.allowedActions], ["resolved", []]);
    assert.deepEqual((await ours.labTests.listUnmatchedResults()).data, []);
    assert.equal((await ours.labTests.listUnmatchedResults({ status: "resolved" })).total, 2);
    await refused(404, ours.labTests.resolveUnmatchedResult({ rawResultId: unknown, action: "reject" }));
  });
}
