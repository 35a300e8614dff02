// The suite calls a whole Aliquot with the vendor's SDK and checks every response. Address and keys are in environment
// variables.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { JunctionClient } from "@junction-api/sdk";
import { appointments } from "./appointments";
import { catalogue } from "./catalogue";
import { answered, env, groups } from "./client";
import { billing } from "./billing";
import { controls } from "./controls";
import { insurance } from "./insurance";
import { labTestsSubject } from "./labtests";
import { methods, noRoute, notCalled } from "./methods";
import { ordering } from "./ordering";
import { results } from "./results";
import { reviewTests } from "./reviewtests";
import { users } from "./users";

describe("the SDK", { concurrency: 8 }, () => {
  users();
  insurance();
  billing();
  labTestsSubject();
  catalogue();
  ordering();
  appointments();
  results();
});

// These tests run alone, because they create results that the tests of results would list.
describe("tests of unmatched results", reviewTests);

controls();

test("every method of the SDK had a response, or is listed as not called", (t) => {
  const sdk = new JunctionClient({ apiKey: "none" });
  const all = groups.flatMap((group) =>
    Object.getOwnPropertyNames(Object.getPrototypeOf(sdk[group]))
      .filter((name) => name !== "constructor" && !name.startsWith("_"))
      .map((name) => `${group}.${name}`),
  );
  assert.deepEqual([...Object.keys(methods), ...Object.keys(notCalled)].sort(), all.sort());
  assert.deepEqual([...answered].sort(), Object.keys(methods).sort());
  t.diagnostic(`${answered.size} of ${all.length} methods were called and answered. Not called:`);
  for (const [method, why] of Object.entries(notCalled)) t.diagnostic(`${method.padEnd(48)} ${why}`);
});

test("the methods that are listed without a route have none", async () => {
  const document = (await (await fetch(`${env("ALIQUOT_URL")}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, unknown>>;
  };
  const routes = new Set(
    Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replaceAll(/{\w+}/g, "{}")}`),
    ),
  );
  assert.ok(routes.has("GET /v3/order/{}/result/pdf")); // a control
  const absent = Object.values(notCalled)
    .filter((why) => why.startsWith(noRoute))
    .map((why) => why.slice(noRoute.length));
  assert.deepEqual(
    absent.filter((route) => routes.has(route)),
    [],
  );
});
