/** Audit records: who did what by an admin token, and what was refused. */
import { describe, expect, it, vi } from "vitest";
import { logsOf, valueOf } from "../telemetry/collector.ts";
import { createObservedApi, TOKEN } from "./observed.ts";

const PURGE = "purge-token-0123456789abcdefg";
const OFF = { OTEL_TRACES_SAMPLER: "always_off", STRATA_TRACE_SLOW_MS: "0" };
const ip = "192.0.2.1";

interface AuditRow {
  readonly actor: unknown;
  readonly action: unknown;
  readonly targets: unknown;
  readonly outcome: unknown;
  readonly status: unknown;
}

async function auditsOf(service: string): Promise<readonly AuditRow[]> {
  const logs = await logsOf(service);
  return logs
    .filter(({ eventName }) => eventName === "strata.admin.action")
    .map(({ attributes }) => ({
      actor: valueOf(attributes, "audit.actor"),
      action: valueOf(attributes, "audit.action"),
      targets: valueOf(attributes, "audit.targets"),
      outcome: valueOf(attributes, "audit.outcome"),
      status: Number(valueOf(attributes, "http.response.status_code")),
    }));
}

describe("audit records", () => {
  it("each admin action writes an audit record with the actor and the action, even if the trace sampler is off", async () => {
    const { askInTurn, service } = createObservedApi({
      ...OFF,
      ADMIN_TOKENS: `ci:purge:${PURGE}`,
    });
    const purge = { method: "POST", ip };
    await askInTurn([
      [PURGE, "/admin/purge", { ...purge, body: { everything: true } }],
      [TOKEN, "/admin/purge", { ...purge, body: { tags: ["user:7"], soft: true } }],
      [TOKEN, "/admin/entry?key=product:7", { ip }],
      [TOKEN, "/admin/limits/ip:203.0.113.9", { ip, method: "DELETE" }],
      [TOKEN, "/admin/warm", { ...purge, body: { kind: "products", ids: [1] } }],
      [TOKEN, "/products/999999", { ip, method: "DELETE" }],
      [TOKEN, "/users/1", { ip }],
      [TOKEN, "/users?ids=1,2", { ip }],
    ]);
    const hash = expect.stringMatching(/^(?:soft )?(?:tag|key|identity|id):#[0-9a-f]{13}$/);
    const two = expect.stringMatching(/^id:#[0-9a-f]{13} id:#[0-9a-f]{13}$/);
    const done = { outcome: "done", status: 200 };
    expect(await auditsOf(service)).toEqual([
      { actor: "ci", action: "POST /admin/purge", targets: "everything", ...done },
      { actor: "admin", action: "POST /admin/purge", targets: hash, ...done },
      { actor: "admin", action: "GET /admin/entry", targets: hash, ...done },
      { actor: "admin", action: "DELETE /admin/limits/:identity{.+}", targets: hash, ...done },
      { actor: "admin", action: "POST /admin/warm", targets: "products", ...done },
      {
        actor: "admin",
        action: "DELETE /products/:id",
        targets: hash,
        outcome: "failed",
        status: 404,
      },
      { actor: "admin", action: "GET /users/:id", targets: hash, ...done },
      { actor: "admin", action: "GET /users", targets: two, ...done },
    ]);
  });

  it("the API writes an audit record for an admin action that it rejects with 401, 403 or 429", async () => {
    const { askInTurn, send, service } = createObservedApi({
      ...OFF,
      ADMIN_TOKENS: `ci:purge:${PURGE}`,
    });
    await send("/admin/entry?key=x", { ip });
    await askInTurn([
      ["wrong-token", "/admin/entry?key=x", { ip }],
      [PURGE, "/admin/entry?key=x", { ip }],
      [PURGE, "/products/1", { ip, method: "DELETE" }],
      ...Array.from({ length: 10 }, (_, i) => [`wrong-${i}`, "/admin/purge", { ip }] as const),
    ]);
    const audits = await auditsOf(service);
    expect(audits.every(({ outcome }) => outcome === "refused")).toBe(true);
    expect(audits.map(({ actor, status }) => [actor, status])).toEqual([
      [undefined, 401],
      [undefined, 401],
      ["ci", 403],
      ["ci", 403],
      ...Array.from({ length: 9 }, () => [undefined, 401]),
      [undefined, 429],
    ]);
  });

  it("a request under /admin that the rate limit rejects writes an audit record", async () => {
    const { send, service } = createObservedApi(OFF);
    await Promise.all(Array.from({ length: 62 }, () => send("/admin/entry?key=x", { ip })));
    const refused = (await auditsOf(service)).filter(({ status }) => status === 429);
    expect(refused).toHaveLength(2);
  });

  it("no log record contains an admin token, neither a valid nor a wrong one", async () => {
    const { askInTurn, service } = createObservedApi({ ADMIN_TOKENS: `ci:purge:${PURGE}` });
    await askInTurn([
      [PURGE, "/admin/purge", { method: "POST", ip, body: { keys: ["k"] } }],
      ["wrong-token-of-a-person", "/admin/purge", { method: "POST", ip }],
      [TOKEN, `/admin/entry?key=${"x".repeat(600)}`, { ip }],
    ]);
    const all = JSON.stringify(await logsOf(service));
    expect(all).toContain("audit.actor");
    for (const token of [PURGE, TOKEN, "wrong-token-of-a-person"]) expect(all).not.toContain(token);
  });

  it("the audit record of a purge of 31 targets lists 20 targets and the count of the other targets", async () => {
    const { ask, service } = createObservedApi({ STRATA_TRACE_KEYS: "plain" });
    const keys = Array.from({ length: 30 }, (_, i) => `k${i}`);
    await ask(TOKEN, "/admin/purge", { method: "POST", ip, body: { keys, prefixes: ["p:"] } });
    const [audit] = await auditsOf(service);
    expect(audit?.targets).toMatch(/^key:k0 key:k1 .* key:k19 and 11 more$/);
  });

  it.each([
    ["under npm run dev", { STRATA_DEV: "1" }],
    ["with STRATA_LOG=json", { STRATA_LOG: "json" }],
  ])(
    "the service writes an audit record as one line of JSON to the console %s",
    async (_when, variables) => {
      const lines: string[] = [];
      const log = vi
        .spyOn(console, "log")
        .mockImplementation((line: string) => void lines.push(line));
      try {
        const { ask } = createObservedApi({ ...OFF, ...variables });
        await ask(TOKEN, "/admin/purge", { method: "POST", ip, body: { everything: true } });
      } finally {
        log.mockRestore();
      }
      const audits = lines
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter(({ level }) => level === "audit");
      expect(audits).toMatchObject([
        { "audit.actor": "admin", "audit.action": "POST /admin/purge", "audit.outcome": "done" },
      ]);
      expect(lines.join()).not.toContain(TOKEN);
    },
  );
});
