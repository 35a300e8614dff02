import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { Junction } from "@junction-api/sdk";
import { refused } from "./client";
import { anonymous, ours, teamId, theirs, unknown } from "./orders";

export function users(): void {
  test("a user is created, read, deleted and brought back", async () => {
    const clientUserId = `patient ${randomUUID()}`;
    const created = await ours.user.create({
      clientUserId,
      fallbackTimeZone: "America/Phoenix",
      fallbackBirthDate: "1988-11-30",
      ingestionStart: "2026-01-01",
      ingestionEnd: "2026-02-01",
    });
    assert.equal(created.teamId, teamId);
    assert.equal(created.clientUserId, clientUserId);
    assert.ok(created.createdOn instanceof Date);
    assert.deepEqual(created.connectedSources, []);
    assert.equal(created.fallbackTimeZone?.id, "America/Phoenix");
    assert.equal(created.fallbackBirthDate?.value, "1988-11-30");
    assert.deepEqual([created.ingestionStart, created.ingestionEnd], ["2026-01-01", "2026-02-01"]);

    const { userId } = created;
    assert.deepEqual(await ours.user.get({ userId }), created);
    await refused(404, theirs.user.get({ userId }));

    const conflict = await refused(400, ours.user.create({ clientUserId }));
    assert.ok(conflict instanceof Junction.BadRequestError);
    const { detail } = conflict.body as { detail: Record<string, string> };
    assert.deepEqual([detail.error_type, detail.user_id], ["INVALID_REQUEST", userId]);

    assert.deepEqual(await ours.user.delete({ userId }), { success: true });
    await refused(404, ours.user.get({ userId }));
    assert.deepEqual(await ours.user.undoDelete({ userId }), { success: true });
    assert.equal((await ours.user.get({ userId })).clientUserId, clientUserId);
    await ours.user.delete({ userId });
    assert.deepEqual(await ours.user.undoDelete({ clientUserId }), { success: true });
  });

  test("users are listed, resolved and changed", async () => {
    const clientUserId = `a/b %2F é ${randomUUID()}`;
    const { userId } = await ours.user.create({ clientUserId, fallbackTimeZone: "America/Phoenix" });
    assert.equal((await ours.user.getByClientUserId({ clientUserId })).userId, userId);
    await refused(404, theirs.user.getByClientUserId({ clientUserId }));

    const page = await ours.user.getAll({ limit: 500 });
    assert.deepEqual([page.offset, page.limit], [0, 500]);
    assert.equal(page.users.filter((u) => u.userId === userId).length, 1);
    assert.deepEqual((await ours.user.getAll({ offset: page.total + 100 })).users, []);
    assert.equal((await theirs.user.getAll()).total, 0);

    assert.equal(
      await ours.user.patch({ userId, clientUserId: `${clientUserId}!`, ingestionEnd: "2026-03-01" }),
      undefined,
    );
    const changed = await ours.user.getByClientUserId({ clientUserId: `${clientUserId}!` });
    assert.deepEqual(
      [changed.userId, changed.ingestionEnd, changed.fallbackTimeZone?.id],
      [userId, "2026-03-01", "America/Phoenix"],
    );
    await refused(404, ours.user.getByClientUserId({ clientUserId }));
    await refused(404, ours.user.patch({ userId: unknown, ingestionEnd: null }));
    await refused(401, anonymous.user.getAll());
    const limit = await refused(422, ours.user.getAll({ limit: 501 }));
    assert.ok(limit instanceof Junction.UnprocessableEntityError);
  });

  test("personal data of a user", async () => {
    const { userId } = await ours.user.create({ clientUserId: `info ${randomUUID()}` });
    await refused(404, ours.user.getLatestUserInfo({ userId }));
    const address = {
      firstLine: "1 Main St",
      secondLine: "Unit 4",
      country: "US",
      zip: "85004",
      city: "Phoenix",
      state: "AZ",
    };
    const proxy = { firstName: "Bo", lastName: "Lee", phoneNumber: "+16025550124", householdSize: 3, address };
    const info: Junction.UserInfo = {
      firstName: "Ann",
      lastName: "Lee",
      email: "ann@example.com",
      phoneNumber: "+16025550123",
      gender: "female",
      dob: "1990-01-01",
      address,
      medicalProxy: proxy,
      race: "asian",
      ethnicity: "other",
      sexualOrientation: "other",
      genderIdentity: "female",
    };
    assert.deepEqual(await ours.user.upsertUserInfo({ userId, ...info }), info);
    assert.deepEqual(await ours.user.getLatestUserInfo({ userId }), info);
    await refused(404, theirs.user.getLatestUserInfo({ userId }));
    await refused(404, ours.user.upsertUserInfo({ ...info, userId: unknown }));
    const nameless = await refused(422, ours.user.upsertUserInfo({ userId, ...info, firstName: "-" }));
    assert.ok(nameless instanceof Junction.UnprocessableEntityError);
  });

  test("a user with the required fields only", async () => {
    const created = await ours.user.create({ clientUserId: `patient ${randomUUID()}` });
    assert.equal(created.fallbackTimeZone, null);
    assert.equal(created.fallbackBirthDate ?? null, null);
  });

  test("users: refusals", async () => {
    await refused(401, anonymous.user.get({ userId: unknown }));
    await refused(404, ours.user.get({ userId: unknown }));
    await refused(404, ours.user.delete({ userId: unknown }));
    await refused(404, ours.user.undoDelete({ userId: unknown }));
    assert.ok((await refused(422, ours.user.undoDelete({}))) instanceof Junction.UnprocessableEntityError);
    assert.ok((await refused(422, ours.user.get({ userId: "no id" }))) instanceof Junction.UnprocessableEntityError);
    const invalid = await refused(422, ours.user.create({ clientUserId: "" }));
    assert.ok(invalid instanceof Junction.UnprocessableEntityError);
    const [problem] = (invalid.body as Junction.HttpValidationError).detail as {
      loc: string[];
      msg: string;
      type: string;
    }[];
    assert.deepEqual(problem.loc, ["body", "client_user_id"]);
  });
}
