/** Limits of failed attempts: what counts, and for whom. */
import { describe, expect, it } from "vitest";
import { DefinitionError, problem, type FailureLimitOptions } from "../../src/index.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { LEDGERS, type CreateLimitedApp, type LimitedApp } from "./app.ts";

const LIMIT: FailureLimitOptions = { name: "sign-in", ip: "3/1m", all: "5/1m" };
const HOUR_MS = 3_600_000;

/** An application in which the path "/right" is the right password. */
function createSignInApp(create: CreateLimitedApp, options = LIMIT): LimitedApp {
  return create(uniqueNamespace(), (app, _, rateLimits) => {
    const signIns = rateLimits.limitFailures(options);
    app.get("/:password", async (c) => {
      const refused = signIns.check(c);
      if (refused !== undefined) return problem(refused);
      if (c.req.param("password") === "right") {
        signIns.succeed(c);
        return c.text("signed in");
      }
      const last = await signIns.fail(c);
      return last === undefined ? c.text("wrong", 401) : problem(last);
    });
  });
}

async function attempt(
  { get }: LimitedApp,
  password: string,
  ip: string,
  times = 1,
): Promise<readonly number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < times; i++) statuses.push((await get(`/${password}`, { ip })).status);
  return statuses;
}

describe.each(LEDGERS)("limitFailures with its ledger in %s", (ledger, create) => {
  const createSignIn = createSignInApp.bind(undefined, create);

  it(`a sign-in attempt that succeeds takes no token of the limit of failed attempts, with the ledger in ${ledger}`, async () => {
    const app = createSignIn();
    expect(await attempt(app, "right", "192.0.2.1", 10)).toEqual(Array(10).fill(200));
    expect(await attempt(app, "wrong", "192.0.2.1", 4)).toEqual([401, 401, 401, 429]);
    expect(await attempt(app, "right", "192.0.2.1")).toEqual([429]);
  });

  it(`all addresses of one IPv6 /64 network share one limit of failed sign-in attempts, with the ledger in ${ledger}`, async () => {
    const app = createSignIn();
    const statuses: number[] = [];
    for (const end of ["1", "2", "3", "4"])
      statuses.push(...(await attempt(app, "wrong", `2001:db8:0:1::${end}`)));
    expect(statuses).toEqual([401, 401, 401, 429]);
  });

  it(`a sign-in frees its client address for an hour from the limit of failed attempts that all addresses share, with the ledger in ${ledger}`, async () => {
    const app = createSignIn();
    const operator = "203.0.113.7";
    const flood = async () => {
      for (let i = 0; i < 6; i++) await attempt(app, "wrong", `198.51.100.${i}`);
    };
    await attempt(app, "right", operator);
    app.clock.advance(HOUR_MS - 1_000);
    await flood();
    expect(await attempt(app, "right", "203.0.113.8")).toEqual([429]);
    expect(await attempt(app, "wrong", operator)).toEqual([401]);
    app.clock.advance(2_000);
    expect(await attempt(app, "right", operator)).toEqual([429]);
  });

  it(`the response to a refused sign-in attempt names the exceeded limit and has a Retry-After field, with the ledger in ${ledger}`, async () => {
    const app = createSignIn();
    await attempt(app, "wrong", "192.0.2.1", 3);
    for (const password of ["wrong", "right"]) {
      const { headers, body } = await app.get(`/${password}`, { ip: "192.0.2.1" });
      expect(JSON.parse(body)).toMatchObject({ "violated-policies": ["sign-in-ip"] });
      const seconds = Number(headers.get("Retry-After"));
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(120);
    }
  });

  it.each([
    [{ ...LIMIT, ip: "many" }, "ip"],
    [{ ...LIMIT, all: "0/1m" }, "all"],
    [{ ...LIMIT, name: "a b" }, "name"],
  ])(
    `limitFailures() rejects the options %j with an error that names the field, with the ledger in ${ledger}`,
    (options, field) => {
      expect(() => createSignIn(options)).toThrow(DefinitionError);
      expect(() => createSignIn(options)).toThrow(field);
    },
  );
});
