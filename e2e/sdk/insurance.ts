import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { Junction } from "@junction-api/sdk";
import { refused } from "./client";
import { anonymous, ours, theirs, unknown } from "./orders";

export const address: Junction.Address = {
  firstLine: "77 West Lincoln Street",
  secondLine: "Unit 4",
  country: "US",
  zip: "85004",
  city: "Phoenix",
  state: "AZ",
  accessNotes: "Ring twice",
};

const info = {
  firstName: "Ines",
  lastName: "Okafor",
  email: "ines@example.org",
  phoneNumber: "+16025550142",
  gender: "female",
  dob: "1988-11-30",
  address,
};

const insured: Junction.CreateInsuranceRequest["insured"] = {
  firstName: "Ines",
  lastName: "Okafor",
  gender: "female",
  address,
  dob: "1988-11-30",
  email: "ines@example.org",
  phoneNumber: "+16025550142",
};

const guarantor: Junction.GuarantorDetails = {
  firstName: "Obi",
  lastName: "Okafor",
  address,
  phoneNumber: "+16025550143",
  householdIncome: 70_000,
  householdSize: 3,
  email: "obi@example.org",
};

// insure creates a user with personal data, and with an insurance if a payor is given.
export async function insure(payorCode?: string, more: object = {}): Promise<string> {
  const { userId } = await ours.user.create({ clientUserId: `insured ${randomUUID()}` });
  await ours.user.upsertUserInfo({ userId, ...info, ...more });
  if (payorCode) await ours.user.createInsurance({ userId, payorCode, memberId: "W12", relationship: "Self", insured });
  return userId;
}

export function insurance(): void {
  test("insurance is added and read", async () => {
    const bare = await ours.user.create({ clientUserId: `uninsured ${randomUUID()}` });
    const own = { payorCode: "AETNA", memberId: "W123", groupId: "G-7", relationship: "Self" as const, insured };
    await refused(400, ours.user.createInsurance({ userId: bare.userId, ...own })); // the user has no personal data
    const userId = await insure();
    await refused(404, ours.user.getLatestInsurance({ userId }));

    const first = await ours.user.createInsurance({ userId, ...own });
    assert.deepEqual({ ...first, company: null }, { ...own, company: null, guarantor: null, isPrimary: true });
    assert.equal(first.company.name, "Aetna");
    assert.deepEqual([first.company.address.city, first.company.address.zip], ["Hartford", "06156"]);
    assert.deepEqual(await ours.user.getLatestInsurance({ userId }), first);

    const spouse = {
      payorCode: "MAIDFED",
      memberId: "A9",
      relationship: "Spouse" as const,
      insured,
      guarantor,
      isPrimary: false,
    };
    const second = await ours.user.createInsurance({ userId, ...spouse });
    assert.match(second.company.name, /Arizona/);
    assert.deepEqual(second.guarantor, guarantor);
    assert.deepEqual(await ours.user.getLatestInsurance({ userId, isPrimary: false }), second);
    assert.deepEqual(await ours.user.getLatestInsurance({ userId, isPrimary: true }), first);

    const third = await ours.user.createInsurance({ userId, ...own, memberId: "W124" });
    assert.deepEqual(await ours.user.getLatestInsurance({ userId }), third);
    assert.equal(third.memberId, "W124");
  });

  test("insurance: refusals", async () => {
    const userId = await insure("CIGNA");
    const good = { userId, payorCode: "AETNA", memberId: "W123", relationship: "Self" as const, insured };
    await refused(401, anonymous.user.createInsurance(good));
    await refused(404, theirs.user.createInsurance(good));
    await refused(404, theirs.user.getLatestInsurance({ userId }));
    await refused(404, ours.user.createInsurance({ ...good, userId: unknown }));
    await refused(400, ours.user.createInsurance({ ...good, payorCode: "NOBODY" }));
    const lonely = await refused(
      422,
      ours.user.createInsurance({ ...good, relationship: "Other", insured: { ...insured, firstName: "-" } }),
    );
    assert.ok(lonely instanceof Junction.UnprocessableEntityError);
    const problems = (lonely.body as Junction.HttpValidationError).detail as { loc: string[]; type: string }[];
    assert.deepEqual(problems.map((p) => [p.loc.join("."), p.type]).sort(), [
      ["body.guarantor", "missing"],
      ["body.insured.first_name", "string_pattern_mismatch"],
    ]);
  });

  test("payors are searched and added", async () => {
    const [united] = await ours.insurance.searchGetPayorInfo({ insuranceName: "unitedhealth" });
    assert.deepEqual([united.payorCode, united.source, united.orgAddress.state], ["UNITH", "platform", "MN"]);
    assert.ok(united.aliases.includes("UHC"));
    const [same] = await ours.insurance.searchGetPayorInfo({ provider: "stedi", providerPayorId: "87726" });
    assert.deepEqual(same, united);
    const [old] = await ours.insurance.searchPayorInfo({ provider: "stedi", providerId: "87726" });
    assert.deepEqual([old.code, old.name], ["UNITH", united.name]);
    assert.deepEqual(await ours.insurance.searchGetPayorInfo({ insuranceName: "no such payor" }), []);
    const long = await refused(422, ours.insurance.searchGetPayorInfo({ insuranceName: "x".repeat(201) }));
    assert.ok(long instanceof Junction.UnprocessableEntityError);

    const { accessNotes: _, ...place } = address; // not part of the address of a payor
    const name = `Plan ${randomUUID()}`;
    const added = await ours.payor.createPayor({ name, address, provider: "availity", providerPayorId: name });
    assert.deepEqual([added.name, added.source, added.aliases, added.orgAddress], [name, "team", [], place]);
    assert.deepEqual(await ours.insurance.searchGetPayorInfo({ providerPayorId: name }), [added]);
    assert.deepEqual(await theirs.insurance.searchGetPayorInfo({ insuranceName: name }), []);
    await refused(401, anonymous.payor.createPayor({ name, address }));
    await refused(422, ours.payor.createPayor({ name: "", address }));

    const userId = await insure(added.payorCode);
    assert.equal((await ours.user.getLatestInsurance({ userId })).company.name, name);
  });

  test("diagnoses are searched and checked", async () => {
    assert.deepEqual(await ours.insurance.searchDiagnosis({ diagnosisQuery: "hyperlipidemia unspecified" }), [
      { diagnosisCode: "E78.5", description: "Hyperlipidemia, unspecified", isSecondary: false },
    ]);
    const insulin = await ours.insurance.searchDiagnosis({ diagnosisQuery: "z79.4" });
    assert.deepEqual(
      insulin.map((d) => d.isSecondary),
      [true],
    );
    await refused(422, ours.insurance.searchDiagnosis({ diagnosisQuery: "" }));
    await refused(401, anonymous.insurance.searchDiagnosis({ diagnosisQuery: "i10" }));

    assert.deepEqual(await ours.labTests.validateIcdCodes({ codes: ["E78.5", "I10"] }), {
      valid: true,
      errors: [],
      violations: [],
      warnings: [],
    });
    const clash = await ours.labTests.validateIcdCodes({ codes: ["E11.9", "E10.9", "I10", "I63.9", "nonsense"] });
    assert.equal(clash.valid, false);
    assert.equal(clash.errors.length, 1);
    assert.deepEqual(clash.violations, [{ code: "E11.9", conflictsWith: "E10.9", type: "excludes1" }]);
    assert.deepEqual(clash.warnings, [{ code: "I10", overlapsWith: "I63.9", type: "excludes2" }]);
  });
}
