// What the subjects' tests order with.
import type { Junction } from "@junction-api/sdk";
import { client, env, until } from "./client";

// The clients of our team and of another one, and of somebody without a key.
export const ours = client(env("ALIQUOT_KEY"));
export const theirs = client(env("ALIQUOT_OTHER_KEY"));
export const nobody = client("sk_us_nobody");

export const teamId = env("ALIQUOT_TEAM");
export const userId = env("ALIQUOT_USER");
export const unknown = "00000000-0000-4000-8000-000000000000";

// The lab tests by collection method.
export const labTests = JSON.parse(env("ALIQUOT_LAB_TESTS")) as Record<Junction.LabTestCollectionMethod, string>;

export const patientDetails: Junction.PatientDetailsWithValidation = {
  firstName: "Ines", lastName: "Okafor", dob: "1988-11-30", gender: "female", phoneNumber: "+16025550142", email: "ines@example.org",
};

export const patientAddress = {
  receiverName: "Ines Okafor", firstLine: "77 West Lincoln Street", secondLine: "Unit 4", city: "Phoenix", state: "AZ", zip: "85004",
  country: "US",
};

// request orders by a collection method; the simulated partner leaves the order alone until it is simulated.
export function request(method: Junction.LabTestCollectionMethod, more: Partial<Junction.CreateOrderRequestCompatible> = {}) {
  return {
    userId, orderSet: { labTestIds: [labTests[method]] }, patientDetails, patientAddress, passthrough: "sandbox:silent", ...more,
  };
}

export function awaitStatus(orderId: string, status: Junction.OrderStatus): Promise<Junction.ClientFacingOrder> {
  return until(`order ${orderId} to be ${status}`, () => ours.labTests.getOrder({ orderId }), (o) => o.lastEvent.status === status);
}

// place orders and waits for the requisition.
export async function place(method: Junction.LabTestCollectionMethod): Promise<Junction.ClientFacingOrder> {
  const { order } = await ours.labTests.createOrder(request(method));
  return awaitStatus(order.id, `received.${method}.requisition_created` as Junction.OrderStatus);
}

// simulate has the simulated partner report until the order has a status.
export async function simulate(orderId: string, finalStatus: Junction.OrderStatus, body?: Junction.SimulationFlags) {
  await ours.labTests.simulateOrderProcess({ orderId, finalStatus, body });
  return awaitStatus(orderId, finalStatus);
}

// day is the date in so many days.
export function day(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
}
