import assert from "node:assert/strict";
import { test } from "node:test";
import { Junction } from "@junction-api/sdk";
import { env, refused } from "./client";
import { insure } from "./insurance";
import { anonymous, ours, patientDetails, request, teamId, theirs, unknown } from "./orders";

const physician = { firstName: "Jane", lastName: "Smith", npi: "1234567890", licensedStates: ["AZ"] };

export function billing(): void {
  test("lab accounts are listed", async () => {
    const labAccountId = env("ALIQUOT_LAB_ACCOUNT");
    const { data } = await ours.labAccount.getTeamLabAccounts({ labAccountId, status: "active" });
    const account = data?.[0];
    assert.ok(account);
    assert.equal(account.accountName, "Partner");
    assert.deepEqual(
      [account.delegatedFlow, account.providerAccountId, account.teamIdAllowlist],
      ["not_delegated", "P-1", [teamId]],
    );
    assert.deepEqual(account.allowedBilling.commercial_insurance, ["AZ"]);
    assert.deepEqual((await ours.labAccount.getTeamLabAccounts({ labAccountId })).data, [account]);
    assert.deepEqual((await theirs.labAccount.getTeamLabAccounts({ labAccountId })).data, []);
    await refused(401, anonymous.labAccount.getTeamLabAccounts());
    await refused(422, ours.labAccount.getTeamLabAccounts({ labAccountId: "no id" }));
  });

  test("the ordering physician is stored", async () => {
    const { order } = await ours.labTests.createOrder(request("walk_in_test", { physician }));
    assert.deepEqual(order.physician, { firstName: "Jane", lastName: "Smith", npi: "1234567890" });
    const all = await ours.team.getPhysicians({ teamId });
    assert.deepEqual(
      all.find((p) => p.npi === physician.npi),
      order.physician,
    );
    await refused(404, theirs.team.getPhysicians({ teamId }));
    await refused(422, ours.team.getPhysicians({ teamId: "no id" }));
  });

  test("an order is billed to insurance, and Medicare needs an ABN", async () => {
    const bill = { billingType: "commercial_insurance" as const, icdCodes: ["E78.5"] };
    const userId = await insure("AETNA");
    const { order } = await ours.labTests.createOrder(request("walk_in_test", { userId, ...bill }));
    assert.deepEqual([order.billingType, order.icdCodes, order.hasAbn], ["commercial_insurance", ["E78.5"], false]);
    assert.ok(order.healthInsuranceId);
    await refused(404, ours.labTests.getOrderAbnPdf({ orderId: order.id }));
    await refused(400, ours.labTests.createOrder(request("walk_in_test", { userId, ...bill, icdCodes: ["E78"] })));
    await refused(400, ours.labTests.createOrder(request("walk_in_test", { userId: await insure(), ...bill })));
    await refused(400, ours.labTests.createOrder(request("walk_in_test", { userId, billingType: "patient_bill" })));

    const { order: medicare } = await ours.labTests.createOrder(
      request("walk_in_test", { userId: await insure("MEDFED"), ...bill }),
    );
    assert.equal(medicare.hasAbn, true);
    const notice = await ours.labTests.getOrderAbnPdf({ orderId: medicare.id });
    assert.ok((await notice.arrayBuffer()).byteLength > 1000);
    await refused(404, theirs.labTests.getOrderAbnPdf({ orderId: medicare.id }));
  });

  test("a minor needs a medical proxy", async () => {
    const young = { patientDetails: { ...patientDetails, dob: "2015-06-01" } };
    const userId = await insure();
    await refused(400, ours.labTests.createOrder(request("walk_in_test", { userId, ...young })));
    const address = { firstLine: "1 Main St", country: "US", zip: "85004", city: "Phoenix", state: "AZ" };
    const medicalProxy = { firstName: "Obi", lastName: "Okafor", address, phoneNumber: "+16025550143" };
    const { order } = await ours.labTests.createOrder(
      request("walk_in_test", { userId: await insure(undefined, { medicalProxy }), ...young }),
    );
    assert.equal(order.patientDetails?.medicalProxy?.firstName, "Obi");
    await refused(
      400,
      ours.labTests.createOrder(
        request("at_home_phlebotomy", { patientDetails: { ...young.patientDetails, medicalProxy } }),
      ),
    );
  });

  test("health insurance comes with an order", async () => {
    const healthInsurance: Junction.HealthInsuranceCreateRequest = {
      payorCode: "AETNA",
      insuranceId: "W1",
      responsibleRelationship: "Self",
    };
    const { order } = await ours.labTests.createOrder(request("walk_in_test", { healthInsurance }));
    assert.notEqual(order.healthInsuranceId ?? unknown, unknown);
    const lonely = await refused(
      422,
      ours.labTests.createOrder(
        request("walk_in_test", {
          healthInsurance: { ...healthInsurance, responsibleRelationship: "Other" },
        }),
      ),
    );
    assert.ok(lonely instanceof Junction.UnprocessableEntityError);
  });
}
