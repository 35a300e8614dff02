import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { Junction } from "@junction-api/sdk";
import { refused } from "./client";
import { day, anonymous, ours, place, theirs, unknown } from "./orders";

const home: Junction.UsAddress = {
  firstLine: "77 West Lincoln Street",
  secondLine: "Unit 4",
  city: "Phoenix",
  state: "AZ",
  zipCode: "85004",
};
const farm: Junction.UsAddress = { firstLine: "12 Main Street", city: "Onalaska", state: "WI", zipCode: "54650" };

// keys returns the booking keys of the slots, earliest first.
function keys({ slots }: Junction.AppointmentAvailabilitySlots): string[] {
  const all = slots.flatMap((d) => d.slots);
  for (const slot of all) {
    assert.ok(slot.start < slot.end);
    assert.equal(typeof slot.price, "number");
  }
  const bookable = all.flatMap((s) => s.bookingKey ?? []);
  assert.ok(bookable.length > 1);
  return bookable;
}

export function appointments(): void {
  test("a phlebotomist is booked, moved and cancelled", async () => {
    const { id: orderId } = await place("at_home_phlebotomy");
    await refused(404, ours.labTests.getPhlebotomyAppointment({ orderId }));
    const free = await ours.labTests.getPhlebotomyAppointmentAvailability({ startDate: day(2), body: home });
    assert.equal(free.timezone, "America/Phoenix");
    const [earlier, later] = keys(free).slice(-2); // the partner moves appointments to the first ones
    await refused(400, ours.labTests.bookPhlebotomyAppointment({ orderId, body: { bookingKey: "no such slot" } }));

    const booked = await ours.labTests.bookPhlebotomyAppointment({
      orderId,
      body: { bookingKey: later, appointmentNotes: "ring twice" },
    });
    assert.deepEqual([booked.orderId, booked.type, booked.provider], [orderId, "phlebotomy", "getlabs"]);
    assert.deepEqual(
      [booked.status, booked.eventStatus, booked.appointmentNotes],
      ["confirmed", "scheduled", "ring twice"],
    );
    assert.ok(booked.startAt instanceof Date);
    assert.equal(booked.address.zipCode, "85004");
    assert.deepEqual(await ours.labTests.getPhlebotomyAppointment({ orderId }), booked);
    await refused(404, theirs.labTests.getPhlebotomyAppointment({ orderId }));

    const moved = await ours.labTests.reschedulePhlebotomyAppointment({ orderId, body: { bookingKey: earlier } });
    assert.ok(moved.startAt && moved.startAt < booked.startAt);
    const [reason] = await ours.labTests.getPhlebotomyAppointmentCancellationReason();
    assert.ok(reason.name);
    await refused(400, ours.labTests.cancelPhlebotomyAppointment({ orderId, cancellationReasonId: unknown }));
    const off = await ours.labTests.cancelPhlebotomyAppointment({
      orderId,
      cancellationReasonId: reason.id,
      notes: "travelling",
    });
    assert.deepEqual([off.status, off.eventStatus], ["cancelled", "cancelled"]);
    const statuses = (await ours.labTests.getOrder({ orderId })).events.map((e) => e.status.split(".")[2]);
    assert.deepEqual(statuses, [
      "ordered",
      "requisition_created",
      "appointment_scheduled",
      "appointment_scheduled",
      "appointment_cancelled",
    ]);
  });

  test("an at-home appointment is requested", async () => {
    const { id: orderId } = await place("at_home_phlebotomy");
    const asked = await ours.labTests.requestPhlebotomyAppointment({
      orderId,
      address: farm,
      provider: "phlebfinders",
      appointmentNotes: "dog",
    });
    assert.deepEqual([asked.status, asked.eventStatus, asked.canReschedule], ["pending", "pending", false]);
    assert.equal(asked.startAt ?? null, null);
    await refused(
      404,
      ours.labTests.requestPhlebotomyAppointment({ orderId: unknown, address: farm, provider: "phlebfinders" }),
    );
  });

  test("a patient service center is booked, moved and cancelled", async () => {
    const { id: orderId } = await place("walk_in_test");
    await refused(404, ours.labTests.getPscAppointment({ orderId }));
    const free = await ours.labTests.getPscAppointmentAvailability({
      lab: "quest",
      startDate: day(2),
      zipCode: "85004",
      radius: "25",
    });
    const site = free.slots[0].location;
    assert.ok(site && Number.isInteger(site.distance));
    assert.equal(typeof site.location.lat, "number");
    await ours.labTests.getPscAppointmentAvailability({
      lab: "quest",
      startDate: day(2),
      siteCodes: [site.code],
      allowStale: true,
    });

    const [earlier, later] = keys(free).slice(-2); // the partner moves appointments to the first ones
    const request = { orderId, idempotencyKey: randomUUID(), body: { bookingKey: later } };
    const booked = await ours.labTests.bookPscAppointment(request);
    assert.deepEqual([booked.type, booked.provider, booked.status], ["patient_service_center", "quest", "confirmed"]);
    assert.deepEqual(await ours.labTests.bookPscAppointment(request), booked);
    assert.deepEqual(await ours.labTests.getPscAppointment({ orderId }), booked);

    const moved = await ours.labTests.reschedulePscAppointment({ orderId, body: { bookingKey: earlier } });
    assert.notDeepEqual(moved.startAt, booked.startAt);
    const [reason] = await ours.labTests.getPscAppointmentCancellationReason();
    const off = await ours.labTests.cancelPscAppointment({
      orderId,
      cancellationReasonId: reason.id,
      note: "travelling",
    });
    assert.equal(off.status, "cancelled");
  });

  test("appointments: refusals", async () => {
    const none = await refused(404, ours.labTests.getPscAppointmentAvailability({ lab: "quest", zipCode: "99950" }));
    assert.ok(none instanceof Junction.NotFoundError);
    assert.equal(typeof (none.body as Junction.NotFoundErrorBody).detail, "string");
    await refused(400, ours.labTests.getPscAppointmentAvailability({ lab: "quest" }));
    await refused(
      400,
      ours.labTests.getPscAppointmentAvailability({ lab: "quest", zipCode: "85004", startDate: day(-2) }),
    );
    await refused(400, ours.labTests.getPscAppointmentAvailability({ lab: "quest", siteCodes: ["a", "b", "c", "d"] }));
    const zip = await refused(422, ours.labTests.getPscAppointmentAvailability({ lab: "quest", zipCode: "8500" }));
    assert.ok(zip instanceof Junction.UnprocessableEntityError);
    const keyless = { orderId: unknown, body: { bookingKey: "" } };
    await refused(401, anonymous.labTests.bookPscAppointment(keyless));
    await refused(404, ours.labTests.bookPscAppointment({ ...keyless, body: { bookingKey: "x" } }));
    const [pscReason] = await ours.labTests.getPscAppointmentCancellationReason();
    const [phlebotomyReason] = await ours.labTests.getPhlebotomyAppointmentCancellationReason();
    const { id: orderId } = await place("testkit");
    await refused(400, ours.labTests.bookPscAppointment({ orderId, body: { bookingKey: "x" } }));
    for (const call of [
      () => ours.labTests.getPscAppointment({ orderId: unknown }),
      () => ours.labTests.reschedulePscAppointment({ orderId: unknown, body: { bookingKey: "x" } }),
      () => ours.labTests.cancelPscAppointment({ orderId: unknown, cancellationReasonId: pscReason.id }),
      () => ours.labTests.reschedulePhlebotomyAppointment({ orderId: unknown, body: { bookingKey: "x" } }),
      () => ours.labTests.cancelPhlebotomyAppointment({ orderId: unknown, cancellationReasonId: phlebotomyReason.id }),
    ]) {
      await refused(404, call());
    }
  });
}
