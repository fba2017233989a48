/** The claim of the key rules: requests with one key give their handler one view. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { partsNamedByRules } from "../../../src/http/routes/named-parts.ts";
import {
  createRouteKeys,
  type KeyRules,
  type KeySource,
} from "../../../src/http/routes/route-key.ts";

const NAMES = ["a", "b", "utm"] as const;
const some = <T>(values: readonly T[]) => fc.subarray([...values]);

const rules: fc.Arbitrary<KeyRules> = fc.record({
  query: fc.oneof(
    fc.constantFrom("all" as const, "none" as const),
    fc.record({ only: some(NAMES) }),
    fc.record({ except: some(NAMES) }),
  ),
  headers: some(["X-A", "x-b", "Cookie", "Authorization", "Host"]),
  cookies: some(NAMES),
  host: fc.boolean(),
  variables: some(NAMES),
  cf: some(["country", "colo"]),
});

/** Few values, so that requests often have the same key, and those that decoders confuse. */
const text = fc.constantFrom(
  "",
  "1",
  "2",
  "%E4",
  "%F6",
  "%EF%BF%BD",
  "+",
  "%20",
  "%26",
  "=",
  '"',
  ";",
  "a=1",
);
const name = fc.constantFrom("a", "%61", "b", "utm", "%75tm", "ut%6D", "A", "a%", "+a");
const pair = fc.tuple(name, fc.constantFrom("=", ""), text).map((parts) => parts.join(""));
const query = fc.array(pair, { maxLength: 4 }).map((pairs) => pairs.join("&"));
const cookie = fc.constantFrom("a=1", "a=2", " a =1", "b=1", "a", 'a="1', "utm=1", "ab=1", "");
const value: fc.Arbitrary<unknown> = fc.constantFrom(
  1,
  "1",
  2,
  true,
  "true",
  undefined,
  null,
  "null",
);

const source = fc
  .record({
    host: fc.constantFrom("http://x.test", "https://x.test", "http://y.test"),
    path: fc.constantFrom("/p", "/p/", "/%E4", "/%F6", "/p%2Fq", "/p/q"),
    query,
    cookies: fc.array(cookie, { maxLength: 3 }).map((each) => each.join(";")),
    field: fc.constantFrom(undefined, "", "1", "1,2"),
    authorization: fc.constantFrom(undefined, "1"),
    cf: fc.constantFrom(undefined, { country: "AT" }, { country: "AT", colo: "VIE" }),
    variables: fc.record({ a: value, b: value, utm: value }),
  })
  .map((drawn): KeySource => {
    const headers = new Headers({ "X-Other": "1", "User-Agent": drawn.host });
    if (drawn.field !== undefined) headers.set("Host", `${drawn.field}.test`);
    if (drawn.cookies !== "") headers.set("Cookie", drawn.cookies);
    for (const each of ["X-A", "X-B"])
      if (drawn.field !== undefined) headers.set(each, drawn.field);
    if (drawn.authorization !== undefined) headers.set("Authorization", drawn.authorization);
    const init: RequestInit = { headers, ...(drawn.cf && { cf: drawn.cf }) };
    return {
      request: new Request(`${drawn.host}${drawn.path}?${drawn.query}`, init),
      variable: (each) => (drawn.variables as Readonly<Record<string, unknown>>)[each],
    };
  });

/** All that a handler can see of a request, and of the variables that the key names. */
function viewOf(given: KeySource, keyRules: KeyRules): unknown {
  const parts = partsNamedByRules(given, keyRules);
  const { request } = parts;
  const variables = NAMES.filter((each) => parts.variable(each)).map((each) => {
    const seen = given.variable(each);
    return [each, typeof seen, String(seen)];
  });
  return [request.method, request.url, [...request.headers], request.cf ?? null, variables];
}

it("for all key rules, the handler of a cached route sees no difference between two requests with the same key", async () => {
  let compared = 0;
  const sources = fc.array(source, { minLength: 40, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(rules, sources, async (keyRules, requests) => {
      const keyOf = createRouteKeys(keyRules);
      const views = new Map<string, unknown>();
      for (const given of requests) {
        const key = await keyOf(given);
        const view = viewOf(given, keyRules);
        if (views.has(key)) {
          compared++;
          expect(view).toEqual(views.get(key));
        } else views.set(key, view);
      }
    }),
    { numRuns: 200 },
  );
  expect(compared).toBeGreaterThan(20);
});

it("for all key rules, the request that the handler of a cached route sees has the same key as the client's request", async () => {
  await fc.assert(
    fc.asyncProperty(rules, source, async (keyRules, given) => {
      const { request } = partsNamedByRules(given, keyRules);
      const keyOf = createRouteKeys(keyRules);
      expect(await keyOf({ ...given, request })).toBe(await keyOf(given));
    }),
    { numRuns: 300 },
  );
});
