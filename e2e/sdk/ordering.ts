import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { Junction } from "@junction-api/sdk";
import { refused } from "./client";
import {
  awaitStatus,
  day,
  labTests,
  anonymous,
  ours,
  patientAddress,
  patientDetails,
  place,
  request,
  simulate,
  teamId,
  theirs,
  unknown,
  userId,
} from "./orders";

export function ordering(): void {
  test("an order is placed, read, listed and cancelled", async () => {
    const answer = await ours.labTests.createOrder(request("testkit", { clinicalNotes: "none", priority: true }));
    assert.equal(answer.status, "success");
    const { order } = answer;
    assert.deepEqual([order.userId, order.teamId, order.status, order.origin], [userId, teamId, "received", "initial"]);
    assert.deepEqual([order.passthrough, order.clinicalNotes, order.priority], ["sandbox:silent", "none", true]);
    assert.deepEqual(
      order.events.map((e) => e.status),
      ["received.testkit.ordered"],
    );
    assert.equal(order.patientDetails?.firstName, "Ines");
    assert.ok(order.patientDetails.dob instanceof Date);
    assert.equal(order.patientAddress?.zip, "85004");
    assert.equal(order.details.type, "testkit");
    assert.equal(order.labTest.id, labTests.testkit);
    assert.equal(order.orderTransaction?.orders?.[0]?.id, order.id);
    assert.equal(order.billingType, "client_bill");

    const placed = await awaitStatus(order.id, "received.testkit.requisition_created");
    assert.deepEqual(placed.lastEvent, placed.events[1]);
    const page = await ours.labTests.getOrders({ page: 1, size: 100 });
    assert.deepEqual(
      page.orders.find((o) => o.id === order.id),
      await ours.labTests.getOrder({ orderId: order.id }),
    );
    assert.deepEqual([page.page, page.size], [1, 100]);
    assert.ok(page.total && page.total >= page.orders.length);

    const cancelled = await ours.labTests.cancelOrder({ orderId: order.id });
    assert.equal(cancelled.order.status, "cancelled");
    assert.equal(cancelled.order.lastEvent.status, "cancelled.testkit.cancelled");
    const again = await refused(400, ours.labTests.cancelOrder({ orderId: order.id }));
    const body = again.body as Record<string, unknown>;
    assert.equal(body.status_code, 400);
    assert.equal(body.message, body.detail);
  });

  test("orders are listed by every filter", async () => {
    const { userId } = await ours.user.create({ clientUserId: `filtered ${randomUUID()}` });
    const since = new Date(Date.now() - 60_000);
    const patient = { ...patientDetails, firstName: "Philomena" };
    const { order: scheduled } = await ours.labTests.createOrder(
      request("walk_in_test", { userId, activateBy: day(5), patientDetails: patient }),
    );
    const { order: kit } = await ours.testkit.createOrder({
      userId,
      labTestId: labTests.testkit,
      shippingDetails: { ...patientAddress, receiverName: "Stock Room", phoneNumber: "+16025550142" },
      passthrough: "sandbox:silent",
    });
    await awaitStatus(kit.id, "received.testkit.awaiting_registration");
    const both = [kit.id, scheduled.id];
    const until = new Date(Date.now() + 60_000);
    const filters: [Junction.GetOrdersLabTestsRequest, string[]][] = [
      [{}, both],
      [{ orderDirection: "asc" }, [scheduled.id, kit.id]],
      [{ orderKey: "last_status", orderDirection: "desc" }, [scheduled.id, kit.id]],
      [{ startDate: since, endDate: until, updatedStartDate: since, updatedEndDate: until }, both],
      [{ endDate: since }, []],
      [{ updatedStartDate: until }, []],
      [{ status: "awaiting_registration" }, [kit.id]],
      [{ status: ["ordered", "awaiting_registration"] }, both],
      [{ orderType: ["walk_in_test", "on_site_collection"] }, [scheduled.id]],
      [{ orderActivationTypes: "scheduled" }, [scheduled.id]],
      [{ orderActivationTypes: ["current"] }, [kit.id]],
      [{ isCritical: true }, []],
      [{ isCritical: false }, both],
      [{ interpretation: "normal" }, []],
      [{ orderKey: "patient_name" }, [kit.id, scheduled.id]],
      [{ orderKey: "patient_name", orderDirection: "desc" }, [scheduled.id, kit.id]],
      [{ patientName: "philomena" }, [scheduled.id]],
      [{ shippingRecipientName: "Stock Room" }, [kit.id]],
      [{ searchInput: "room" }, [kit.id]],
      [{ searchInput: scheduled.id }, [scheduled.id]],
      [{ orderIds: [kit.id, unknown] }, [kit.id]],
      [{ orderTransactionId: scheduled.orderTransaction?.id }, [scheduled.id]],
    ];
    for (const [filter, want] of filters) {
      const page = await ours.labTests.getOrders({ userId, ...filter });
      assert.deepEqual(
        page.orders.map((o) => o.id),
        want,
        JSON.stringify(filter),
      );
      assert.equal(page.total, want.length);
    }
    assert.ok(
      (await refused(422, ours.labTests.getOrders({ userId: "no id" }))) instanceof Junction.UnprocessableEntityError,
    );
  });

  test("an order's requisition and labels are printed", async () => {
    const { order } = await ours.labTests.createOrder(request("walk_in_test", { activateBy: day(5) }));
    const collectionDate = new Date();
    await refused(404, ours.labTests.getOrderRequistionPdf({ orderId: order.id }));
    const { id: orderId } = await place("walk_in_test");
    for (const paper of [
      await ours.labTests.getOrderRequistionPdf({ orderId }),
      await ours.labTests.getLabelsPdf({ orderId, collectionDate }),
      await ours.labTests.getLabelsPdf({ orderId, collectionDate, numberOfLabels: 1 }),
    ]) {
      assert.ok((await paper.arrayBuffer()).byteLength > 1000);
    }
    await refused(422, ours.labTests.getLabelsPdf({ orderId, collectionDate, numberOfLabels: 0 }));
    await refused(404, ours.labTests.getOrderAbnPdf({ orderId }));
    await refused(404, ours.labTests.getOrderCollectionInstructionPdf({ orderId }));
    const { id: onSite } = await place("on_site_collection");
    await ours.labTests.getOrderCollectionInstructionPdf({ orderId: onSite });
    await ours.labTests.getLabTestCollectionInstructionPdf({ labTestId: labTests.on_site_collection });
    await refused(404, theirs.labTests.getOrderRequistionPdf({ orderId }));
    await refused(404, theirs.labTests.getLabelsPdf({ orderId, collectionDate }));
  });

  test("an order is placed once by its idempotency key", async () => {
    const idempotencyKey = randomUUID();
    const first = await ours.labTests.createOrder(request("testkit", { idempotencyKey, idempotencyError: "no-cache" }));
    const second = await ours.labTests.createOrder(
      request("testkit", { idempotencyKey, idempotencyError: "no-cache" }),
    );
    assert.deepEqual(second, first);
  });

  test("the day of a scheduled order is moved and cleared", async () => {
    const { order } = await ours.labTests.createOrder(request("walk_in_test", { activateBy: day(5) }));
    assert.equal(order.activateBy, day(5));
    const moved = await ours.labTests.updateOrder({ orderId: order.id, activateBy: day(6) });
    assert.equal(moved.order.activateBy, day(6));
    assert.ok(
      (await refused(422, ours.labTests.updateOrder({ orderId: order.id }))) instanceof
        Junction.UnprocessableEntityError,
    );
    await refused(400, ours.labTests.updateOrder({ orderId: order.id, activateBy: day(-3) }));
    await ours.labTests.updateOrder({ orderId: order.id, activateBy: null });
    await awaitStatus(order.id, "received.walk_in_test.requisition_created");
    await refused(400, ours.labTests.updateOrder({ orderId: order.id, activateBy: day(6) }));
    await refused(404, ours.labTests.updateOrder({ orderId: unknown, activateBy: null }));
  });

  test("an order is imported", async () => {
    const sampleId = `IMP${randomUUID().slice(0, 8)}`;
    const body: Junction.ImportOrderBody = {
      userId,
      billingType: "client_bill",
      orderSet: { labTestIds: [labTests.testkit] },
      collectionMethod: "testkit",
      patientDetails,
      patientAddress,
      sampleId,
    };
    const { order } = await ours.labTests.importOrder(body);
    assert.equal(order.sampleId, sampleId);
    assert.deepEqual(
      order.events.map((e) => e.status),
      ["received.testkit.ordered", "received.testkit.requisition_bypassed"],
    );
    assert.ok((await refused(422, ours.labTests.importOrder(body))) instanceof Junction.UnprocessableEntityError);
  });

  test("a sample is drawn on site", async () => {
    const { id: orderId } = await place("on_site_collection");
    const { order } = await ours.labTests.updateOnSiteCollectionOrderDrawCompleted({ orderId });
    assert.deepEqual(
      [order.status, order.lastEvent.status],
      ["sample_with_lab", "sample_with_lab.on_site_collection.draw_completed"],
    );
    await refused(400, ours.labTests.updateOnSiteCollectionOrderDrawCompleted({ orderId }));
    await refused(404, ours.labTests.updateOnSiteCollectionOrderDrawCompleted({ orderId: unknown }));
  });

  test("webhooks of the newest events are sent again", async () => {
    const { id } = await place("testkit");
    assert.deepEqual(await ours.order.resendEvents({ orderIds: [id] }), { orderIds: [id] });
    const since = await ours.order.resendEvents({
      startAt: new Date(Date.now() - 60_000),
      endAt: new Date(Date.now() + 60_000),
    });
    assert.ok(since.orderIds.includes(id));
    assert.deepEqual(await theirs.order.resendEvents({ orderIds: [id] }), { orderIds: [] });
    assert.ok((await refused(422, ours.order.resendEvents())) instanceof Junction.UnprocessableEntityError);
    await refused(401, anonymous.order.resendEvents({ orderIds: [id] }));
  });

  test("a simulated order reaches its final status", async () => {
    const { id: orderId } = await place("walk_in_test");
    await ours.labTests.simulateOrderProcess({ orderId });
    const done = await awaitStatus(orderId, "completed.walk_in_test.completed");
    assert.equal(done.status, "completed");
    await refused(404, ours.labTests.simulateOrderProcess({ orderId: unknown }));
    await refused(400, ours.labTests.simulateOrderProcess({ orderId, finalStatus: "completed.testkit.completed" }));
  });

  test("a kit is ordered for stock and registered", async () => {
    const { order: kit } = await ours.testkit.createOrder({
      userId,
      labTestId: labTests.testkit,
      shippingDetails: { ...patientAddress, phoneNumber: "+16025550142" },
      passthrough: "sandbox:silent",
    });
    assert.equal(kit.patientDetails ?? null, null);
    assert.equal(kit.shippingDetails?.receiverName, "Ines Okafor");
    await awaitStatus(kit.id, "received.testkit.awaiting_registration");
    const { sampleId } = await ours.labTests.getOrder({ orderId: kit.id });
    assert.ok(sampleId);

    const holder = await ours.user.create({ clientUserId: `holder ${randomUUID()}` });
    const registration = { userId: holder.userId, sampleId, patientDetails, patientAddress };
    const { order } = await ours.testkit.register(registration);
    assert.deepEqual([order.id, order.userId], [kit.id, holder.userId]);
    assert.ok(order.events.some((e) => e.status === "received.testkit.registered"));
    await refused(400, ours.testkit.register(registration));
    await refused(404, ours.testkit.register({ ...registration, sampleId: "no such kit" }));
    const nameless = { ...registration, patientDetails: { ...patientDetails, firstName: "-" } };
    assert.ok((await refused(422, ours.testkit.register(nameless))) instanceof Junction.UnprocessableEntityError);
    await refused(
      400,
      ours.testkit.createOrder({
        userId,
        labTestId: labTests.walk_in_test,
        shippingDetails: { ...patientAddress, phoneNumber: "+16025550142" },
      }),
    );
  });

  test("orders: refusals", async () => {
    const invalid = await refused(
      422,
      ours.labTests.createOrder(request("testkit", { patientAddress: { ...patientAddress, zip: "8500" } })),
    );
    assert.ok(invalid instanceof Junction.UnprocessableEntityError);
    const [problem] = (invalid.body as Junction.HttpValidationError).detail as { loc: string[] }[];
    assert.deepEqual(problem.loc, ["body", "patient_address", "zip"]);
    await refused(401, anonymous.labTests.createOrder(request("testkit")));
    await refused(401, anonymous.labTests.getOrders());
    await refused(404, ours.labTests.createOrder(request("testkit", { userId: unknown })));
    await refused(400, ours.labTests.createOrder(request("testkit", { orderSet: { labTestIds: [unknown] } })));
    await refused(
      400,
      ours.labTests.createOrder(request("testkit", { billingType: "commercial_insurance", icdCodes: ["E11.9"] })),
    );
    await refused(404, ours.labTests.getOrder({ orderId: unknown }));
    await refused(404, ours.labTests.cancelOrder({ orderId: unknown }));
    assert.ok(
      (await refused(422, ours.labTests.getOrder({ orderId: "no id" }))) instanceof Junction.UnprocessableEntityError,
    );
    assert.ok(
      (await refused(422, ours.labTests.getOrders({ size: 101 }))) instanceof Junction.UnprocessableEntityError,
    );

    const { id: orderId } = await place("testkit");
    await refused(404, theirs.labTests.getOrder({ orderId }));
    await refused(404, theirs.labTests.cancelOrder({ orderId }));
    assert.deepEqual((await theirs.labTests.getOrders()).orders, []);
    await simulate(orderId, "collecting_sample.testkit.transit_customer");
    await refused(400, ours.labTests.cancelOrder({ orderId }));
  });
}
