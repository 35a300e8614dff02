// The SDK's client, with a record of the methods that are called and a strict check of Aliquot's responses against the
// SDK's schemas. The SDK itself ignores unknown keys, statuses and kinds.
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { JunctionClient, JunctionError } from "@junction-api/sdk";
import { anything, extras, methods, nothing, pdf } from "./methods";

export function env(name: string): string {
  const value = process.env[name];
  assert.ok(value, `${name} is not set`);
  return value;
}

interface Exchange {
  status?: number;
  type?: string | null;
  body?: string;
}

const exchanges = new AsyncLocalStorage<Exchange>();

const watchedFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, init);
  const exchange = exchanges.getStore();
  if (exchange) {
    exchange.status = response.status;
    exchange.type = response.headers.get("content-type");
    exchange.body = await response.clone().text();
  }
  return response;
};

// groups are the parts of the SDK for lab testing.
export const groups = [
  "labTests",
  "testkit",
  "order",
  "orderTransaction",
  "user",
  "insurance",
  "payor",
  "team",
  "labAccount",
] as const;

type Client = Pick<JunctionClient, (typeof groups)[number]>;

// The methods that were called, and those with a successful response.
export const called = new Set<string>();
export const answered = new Set<string>();

export function client(apiKey: string, baseUrl = env("ALIQUOT_URL")): Client {
  const inner = new JunctionClient({ apiKey, baseUrl, fetch: watchedFetch, maxRetries: 0 });
  return Object.fromEntries(groups.map((g) => [g, watched(g, inner[g])])) as unknown as Client;
}

function watched(group: string, target: object): object {
  return new Proxy(target, {
    get(of, name) {
      const method = Reflect.get(of, name);
      if (typeof method !== "function") return method;
      return (...args: unknown[]) => {
        const exchange: Exchange = {};
        return exchanges.run(exchange, () => watch(`${group}.${String(name)}`, exchange, () => method.apply(of, args)));
      };
    },
  });
}

async function watch(method: string, exchange: Exchange, call: () => Promise<unknown>): Promise<unknown> {
  called.add(method);
  let parsed;
  try {
    parsed = await call();
  } catch (error) {
    if (error instanceof JunctionError && error.statusCode !== undefined) {
      assert.match(exchange.type ?? "", /^application\/json/, `${method}: an error that is not JSON`);
      assert.ok((error.body as { detail?: unknown }).detail, `${method}: an error without a detail: ${exchange.body}`);
    }
    throw error;
  }
  check(method, exchange);
  answered.add(method);
  return parsed;
}

// check compares a response with the SDK's schema. No key may be missing or unknown.
function check(method: string, { status, type, body }: Exchange): void {
  const want = methods[method];
  assert.ok(want, `${method} is not in the table of methods`);
  if (want === nothing) {
    assert.deepEqual([status, body], [204, ""], method);
    return;
  }
  assert.equal(status, method === "labTests.createUnmatchedResultTest" ? 202 : 200, method);
  if (want === pdf) {
    assert.equal(type, "application/pdf", method);
    assert.match(body ?? "", /^%PDF-/, method);
    return;
  }
  assert.match(type ?? "", /^application\/json/, method);
  const raw = JSON.parse(body ?? "");
  if (want === anything || typeof want === "symbol") return;
  const { errors } = want.parse(withoutExtras(raw), { unrecognizedObjectKeys: "fail" });
  assert.deepEqual(errors ?? [], [], `${method}: ${body}`);
}

function withoutExtras(value: unknown, path = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutExtras(item, `${path}*.`));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => !extras.some((extra) => extra.test(path + key)));
  return Object.fromEntries(kept.map(([key, of]) => [key, withoutExtras(of, `${path}${key}.`)]));
}

// until repeats a call until its result is as expected.
export async function until<T>(what: string, call: () => Promise<T>, done: (answer: T) => boolean): Promise<T> {
  for (const end = Date.now() + 60_000; ;) {
    const answer = await call();
    if (done(answer)) return answer;
    assert.ok(Date.now() < end, `${what}: not in time: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// refused checks that a call fails with a status, and returns the SDK's error.
export async function refused(status: number, call: Promise<unknown>): Promise<JunctionError> {
  const error = await call.then(
    (answer) => assert.fail(`answered ${JSON.stringify(answer)}`),
    (error: unknown) => error,
  );
  assert.ok(error instanceof JunctionError, String(error));
  assert.equal(error.statusCode, status, error.message);
  return error;
}
