/** Every operation of the served OpenAPI document, with requests that are generated from it. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { inArray } from "drizzle-orm";
import { afterAll, describe, expect, it } from "vitest";
import { operations } from "../../src/api/operations/all.ts";
import type { OpenApiDocument } from "../../src/api/operations/openapi.ts";
import { products } from "../../src/api/schema.ts";
import { REFUSAL_FIELD } from "../../src/durable/topic-object.ts";
import { differences, headDifferences } from "./answer-check.ts";
import { ADMIN } from "./client.ts";
import { createRequests, type GeneratedRequest, type Pins } from "./operation-requests.ts";
import { createQueuedApi, db, newOrder, newRow } from "./queued.ts";
import { createSchemaValues } from "./schema-values.ts";

const REQUESTS = 8;
const NEVER_ANSWERED = [400, 401, 403, 405, 413, 415, 429, 500];
const REFUSALS = [400, 415];

const made: number[] = [];
afterAll(() => db.delete(products).where(inArray(products.id, made)));

const served = await createQueuedApi().send("/openapi.json");
const document = await served.json<OpenApiDocument>();
const values = createSchemaValues(document.components);

const USER = 7;

/** Signs the user in, and returns the cookie and the id of the session. */
async function signIn(api: ReturnType<typeof createQueuedApi>) {
  const headers = { "Content-Type": "application/json" };
  const request = { target: "/sessions", headers, body: `{"userId":${USER}}` };
  const answer = await send(api, "POST", request, ADMIN);
  expect(answer.status).toBe(201);
  const { id } = await answer.json<{ id: string }>();
  return { id, cookie: answer.headers.get("Set-Cookie")?.split(";")[0] ?? "" };
}

/** An application in a namespace of its own, with rows, a charged order and dead letters. */
async function createWorld(route: string) {
  const api = createQueuedApi({ STRATA_DEV: "" });
  const rows = await Promise.all([newRow(), newRow(), newRow()]);
  made.push(...rows);
  const order = newOrder();
  const letters = Array.from({ length: 9 }, (_, i) => `letter-${i}`);
  for (const id of letters)
    await api.layer.messages.send({ id, kind: "none", payload: 1 }, api.ctx);
  await api.consume(5);
  await api.consumeDead();
  const headers = { "Content-Type": "application/json" };
  const payment = { target: `/orders/${order}/payment`, headers, body: '{"amountCents":5}' };
  expect((await send(api, "POST", payment, ADMIN)).status).toBe(202);
  await api.consume();
  const [row = 0] = await db
    .select({ categoryId: products.categoryId })
    .from(products)
    .where(inArray(products.id, rows))
    .then((found) => found.map(({ categoryId }) => categoryId));
  const path = route.split(" ")[1] ?? "";
  const session = path.startsWith("/sessions/") ? (await signIn(api)).id : "";
  const ids: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
    "/products": fc.constantFrom(...rows, ...rows, 2_000_000_001),
    "/stock": fc.constantFrom(...rows, ...rows, 2_000_000_001),
    "/sessions": fc.constantFrom(session, "0".repeat(64)),
    "/users": fc.constantFrom(1, 7, 2_000_000_001),
    "/orders": fc.constantFrom(order, newOrder(), newOrder()),
    "/admin/dead-letters": fc.constantFrom(...letters, "no-letter"),
  };
  const own = Object.entries(ids).find(([prefix]) => path.startsWith(prefix))?.[1];
  const pins: Pins = {
    ...(own && { id: own }),
    userId: fc.integer({ min: 1, max: 100 }),
    persona: fc.constantFrom("clerk", "guide", "no-persona"),
    "Last-Event-ID": fc.stringMatching(/^[!-~]{1,40}$/),
    categoryId: fc.constant(row),
    productId: fc.constantFrom(...rows),
    identity: fc.oneof(
      fc.ipV4().map((address) => `ip:${address}`),
      fc.constantFrom("user:ada", "endpoint:GET /products/:id", "198.51.100.7", "ada"),
    ),
    "If-None-Match": fc.constantFrom('"another"', 'W/"another"', "*"),
    // A key that comes again with another request gets a 409.
    "Idempotency-Key": fc.boolean().map((isQuoted) => (isQuoted ? `"k ${keys++}"` : `k${keys++}`)),
    "X-API-Key": fc.stringMatching(/^[!-~]{1,40}$/),
  };
  return { api, pins };
}

let keys = 0;

/** Each request comes from another address, so that no rate limit refuses it. */
let addresses = 0;
async function send(
  { send: sendTo, isolate }: ReturnType<typeof createQueuedApi>,
  method: string,
  { target, headers, body }: GeneratedRequest,
  credentials: Readonly<Record<string, string>>,
  isStream = false,
): Promise<Response> {
  const n = addresses++;
  const address = { "CF-Connecting-IP": `198.18.${(n >> 8) % 256}.${n % 256}` };
  const init = {
    method,
    headers: { ...headers, ...credentials, ...address },
    ...(body !== undefined && { body }),
  };
  if (!isStream) return sendTo(target, init);
  const request = new Request(`http://strata.test${target}`, init);
  return isolate.app.fetch(request, env, createExecutionContext());
}

const cases = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({
    route: `${method.toUpperCase()} ${path}`,
    path,
    method: method.toUpperCase(),
    operation,
  })),
);

describe("the operations of the API reference", () => {
  it("the served document has all declared operations", () => {
    expect(cases.map(({ route }) => route).toSorted()).toEqual(Object.keys(operations).toSorted());
  });

  it.each(cases)(
    "$route accepts requests that its schemas allow and refuses others, and each answer has a status, a type, fields and a body of the API reference",
    async ({ route, path, method, operation }) => {
      const { api, pins } = await createWorld(route);
      const requests = createRequests(path, operation, values, pins);
      const needsSession = operations[route as keyof typeof operations]?.session === "required";
      // A request may end its session, so that each one has a session of its own.
      const credentials = async (): Promise<Readonly<Record<string, string>>> => {
        if (needsSession) return { Cookie: (await signIn(api)).cookie };
        return operation.security === undefined ? {} : ADMIN;
      };
      const isStream = Object.values(operation.responses).some(
        (response) => "x-stream" in response,
      );
      const statuses: number[] = [];
      const check = async (answer: Response): Promise<void> => {
        statuses.push(answer.status);
        expect(await differences(document, operation, answer, values)).toEqual([]);
      };
      const runs = { numRuns: REQUESTS, endOnFailure: true };
      const answersAsDescribed = fc.asyncProperty(requests.valid, async (request) => {
        const given = await credentials();
        const answer = await send(api, method, request, given, isStream);
        expect(NEVER_ANSWERED).not.toContain(answer.status);
        await check(answer);
        if (method === "GET" && !isStream) {
          const head = await send(api, "HEAD", request, given);
          statuses.push(head.status);
          expect(await headDifferences(document, operation, head)).toEqual([]);
        }
        // With an Idempotency-Key, the answer to a repetition is the stored one.
        if (request.headers["Idempotency-Key"] === undefined) return;
        const again = await send(api, method, request, given);
        expect(again.headers.get("Idempotency-Replayed")).toBe("true");
        expect(again.status).toBe(answer.status);
        await check(again);
      });
      const hasSucceeded = (): boolean => statuses.some((status) => status < 400);
      // A random request may name something that does not exist, in some operations half of them.
      for (let run = 0; run < 4 && !hasSucceeded(); run++)
        await fc.assert(answersAsDescribed, runs);
      expect(hasSucceeded()).toBe(true);
      await fc.assert(
        fc.asyncProperty(requests.invalid, async (request) => {
          const answer = await send(api, method, request, await credentials(), isStream);
          expect(REFUSALS).toContain(answer.status);
          await check(answer);
        }),
        runs,
      );
      if (!needsSession && operations[route as keyof typeof operations]?.role === undefined) return;
      const [request] = fc.sample(requests.valid, 1);
      const answer = await send(api, method, request!, {});
      expect(answer.status).toBe(401);
      await check(answer);
    },
    60_000,
  );

  it("the 429 of a client with too many connections to a product is the one of the API reference", async () => {
    const refused = { headers: { [REFUSAL_FIELD]: "client-limit" } };
    const stub = { fetch: async () => new Response(null, refused) };
    const LIVE = { idFromName: (name: string) => name, get: () => stub };
    const api = createQueuedApi({ STRATA_DEV: "", LIVE: LIVE as never });
    const id = await newRow();
    made.push(id);
    const answer = await send(
      api,
      "GET",
      { target: `/stock/${id}/events`, headers: {}, body: undefined },
      {},
    );
    expect(answer.status).toBe(429);
    const operation = document.paths["/stock/{id}/events"]?.["get"];
    expect(await differences(document, operation!, answer, values)).toEqual([]);
  });

  it("the 401 of a sign-out whose session has ended, which takes the cookie, is the one of the API reference", async () => {
    const api = createQueuedApi({ STRATA_DEV: "" });
    const { cookie } = await signIn(api);
    const request = { target: "/sessions/current", headers: {}, body: undefined };
    await send(api, "DELETE", request, { Cookie: cookie });
    const answer = await send(api, "DELETE", request, { Cookie: cookie });
    expect([answer.status, answer.headers.has("Set-Cookie")]).toEqual([401, true]);
    const operation = document.paths["/sessions/current"]?.["delete"];
    expect(await differences(document, operation!, answer, values)).toEqual([]);
  });
});
