// The controls: responses that differ from the SDK's schemas are found.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { client } from "./client";
import { unknown } from "./orders";

const user = {
  user_id: unknown,
  team_id: unknown,
  client_user_id: "patient",
  created_on: "2026-01-01T00:00:00Z",
  connected_sources: [],
  fallback_time_zone: null,
};

const answers: Record<string, [status: number, body: string, complaint: RegExp | null]> = {
  "what is right": [200, JSON.stringify(user), null],
  "a key too many": [200, JSON.stringify({ ...user, age: 37 }), /Unexpected key/],
  "a key too few": [200, JSON.stringify({ ...user, team_id: undefined }), /Missing required key/],
  "null for a text": [200, JSON.stringify({ ...user, client_user_id: null }), /Expected string/],
  "a number for a text": [200, JSON.stringify({ ...user, client_user_id: 7 }), /Expected string/],
  "no time": [200, JSON.stringify({ ...user, created_on: "yesterday" }), /ISO 8601/],
  "another success": [201, JSON.stringify(user), /user\.get/],
  "an error that is not JSON": [404, "not found", /not JSON|without a detail/],
  "an error without a detail": [404, "{}", /without a detail/],
};

export function controls(): void {
  test("responses that differ from the SDK's schemas are found", async () => {
    const server = createServer((request, response) => {
      const [status, body] = answers[decodeURIComponent(request.url?.split("/").at(-1) ?? "")];
      response
        .writeHead(status, { "content-type": body.startsWith("{") ? "application/json" : "text/plain" })
        .end(body);
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    try {
      const sdk = client("any", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      for (const [userId, [, , complaint]] of Object.entries(answers)) {
        const call = sdk.user.get({ userId });
        if (complaint) await assert.rejects(call, complaint, userId);
        else await call;
      }
    } finally {
      server.close();
    }
  });
}
