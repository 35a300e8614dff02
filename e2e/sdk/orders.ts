// Test data and helpers for orders.
import type { Junction } from "@junction-api/sdk";
import { client, env, until } from "./client";

// The clients of the team of the tests and of another team, and a client without a valid key.
export const ours = client(env("ALIQUOT_KEY"));
export const theirs = client(env("ALIQUOT_OTHER_KEY"));
export const anonymous = client("sk_us_nobody");

export const teamId = env("ALIQUOT_TEAM");
export const userId = env("ALIQUOT_USER");
export const unknown = "00000000-0000-4000-8000-000000000000";

// The lab tests by collection method.
export const labTests = JSON.parse(env("ALIQUOT_LAB_TESTS")) as Record<Junction.LabTestCollectionMethod, string>;

export const patientDetails: Junction.PatientDetailsWithValidation = {
  firstName: "Ines",
  lastName: "Okafor",
  dob: "1988-11-30",
  gender: "female",
  phoneNumber: "+16025550142",
  email: "ines@example.org",
};

export const patientAddress = {
  receiverName: "Ines Okafor",
  firstLine: "77 West Lincoln Street",
  secondLine: "Unit 4",
  city: "Phoenix",
  state: "AZ",
  zip: "85004",
  country: "US",
};

// request is a request for an order with a collection method. The simulated partner sends nothing about the order until
// it is simulated.
export function request(
  method: Junction.LabTestCollectionMethod,
  more: Partial<Junction.CreateOrderRequestCompatible> = {},
) {
  return {
    userId,
    orderSet: { labTestIds: [labTests[method]] },
    patientDetails,
    patientAddress,
    passthrough: "sandbox:silent",
    ...more,
  };
}

export function awaitStatus(orderId: string, status: Junction.OrderStatus): Promise<Junction.ClientFacingOrder> {
  return until(
    `order ${orderId} to be ${status}`,
    () => ours.labTests.getOrder({ orderId }),
    (o) => o.lastEvent.status === status,
  );
}

// place creates an order and waits for its requisition.
export async function place(method: Junction.LabTestCollectionMethod): Promise<Junction.ClientFacingOrder> {
  const { order } = await ours.labTests.createOrder(request(method));
  return awaitStatus(order.id, `received.${method}.requisition_created` as Junction.OrderStatus);
}

// simulate has the simulated partner send facts until the order has a status, and waits for it.
export async function simulate(orderId: string, finalStatus: Junction.OrderStatus, body?: Junction.SimulationFlags) {
  await ours.labTests.simulateOrderProcess({ orderId, finalStatus, body });
  return awaitStatus(orderId, finalStatus);
}

// day returns the date in that many days.
export function day(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
}
