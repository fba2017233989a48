import { Validator, type Schema } from "@cfworker/json-schema";
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import failureModes from "../../docs/failure-modes.md?raw";
import { createIsolate } from "../../src/api/isolate.ts";
import { operations } from "../../src/api/operations/all.ts";
import { createDocument } from "../../src/api/operations/document.ts";
import { PROBLEMS, type ProblemEntry } from "../../src/api/operations/problems.ts";
import type { Bindings } from "../../src/index.ts";
import { uniqueNamespace } from "../support/isolate.ts";

const ROLES = ["scrape", "read", "purge", "all"] as const;
/** The roles whose tokens may use a route that needs the role. */
const MAY_USE: Readonly<Record<string, readonly string[]>> = {
  scrape: ["scrape", "read", "all"],
  read: ["read", "all"],
  purge: ["purge", "all"],
  all: ["all"],
};
const tokenOf = (role: string) => `token-of-the-role-${role}-0123456789`;

const bindings = { ...(env as unknown as Bindings), STRATA_NAMESPACE: uniqueNamespace() };
bindings.STRATA_DEV = "";
bindings.ADMIN_TOKENS = ROLES.map((role) => `${role}:${role}:${tokenOf(role)}`).join();
const { app } = createIsolate(bindings);
const address = { "CF-Connecting-IP": "192.0.2.1" };
const get = async (path: string, headers: Record<string, string> = {}) =>
  app.fetch(
    new Request(`http://strata.test${path}`, { headers: { ...address, ...headers } }),
    bindings,
    createExecutionContext(),
  );
const document = createDocument(operations);

const SOURCES: Readonly<Record<string, string>> = import.meta.glob(
  "../../src/{api,ratelimit,http/{routes,live}}/**/*.ts",
  {
    query: "?raw",
    import: "default",
    eager: true,
  },
);

/** Problems of the layer that no operation of the document can answer. */
const UNDOCUMENTED = new Set([
  "http",
  "method-not-allowed",
  "client-closed",
  "idempotency-key-missing",
]);

describe("the API reference", () => {
  it("GET /openapi.json answers the document that follows from the declared operations, and 304 to a client that has it", async () => {
    const answer = await get("/openapi.json");
    expect(answer.headers.get("Content-Type")).toContain("application/json");
    expect(await answer.json()).toEqual(JSON.parse(JSON.stringify(document)));
    const tag = answer.headers.get("ETag") ?? "";
    const again = await get("/openapi.json", { "If-None-Match": tag });
    expect(again.status).toBe(304);
  });

  it("GET /docs answers a page whose files the Worker serves, and no other file of their folder", async () => {
    const page = await get("/docs");
    expect(page.headers.get("Content-Type")).toContain("text/html");
    const text = await page.text();
    const files = [...text.matchAll(/(?:src|href)="(docs\/[^"]+)"/g)].map(([, file]) => file);
    expect(files).toHaveLength(4);
    for (const file of files) {
      const { status, headers, body } = await get(`/${file}`);
      expect(status, file).toBe(200);
      expect(headers.get("Content-Type"), file).toMatch(/javascript|css/);
      await body?.cancel();
    }
    for (const file of ["swagger-ui.LICENSE.txt", "index.html", "..%2Findex.html"])
      expect((await get(`/docs/${file}`)).status, file).toBe(404);
  });

  it("the API reference states the admin role that each protected route requires", async () => {
    const seen = new Set<string>();
    for (const [route, { role }] of Object.entries(operations)) {
      if (role === undefined) continue;
      seen.add(role);
      const [method = "", path = ""] = route.split(" ");
      const url = `http://strata.test${path.replaceAll(/\{\w+\}/g, "2147483647")}`;
      const allowed: string[] = [];
      for (const [i, one] of ROLES.entries()) {
        // Each operation has an address of its own for each role, so that no rate limit refuses it.
        const headers = {
          "CF-Connecting-IP": `198.51.100.${i}`,
          Authorization: `Bearer ${tokenOf(one)}`,
        };
        const request = new Request(url, { method, headers });
        const { status, body } = await app.fetch(request, bindings, createExecutionContext());
        await body?.cancel();
        expect(status, `${route} with ${one}`).not.toBe(401);
        if (status !== 403) allowed.push(one);
      }
      expect(allowed, route).toEqual(MAY_USE[role]);
    }
    expect(seen).toEqual(new Set(["scrape", "read", "purge", "all"]));
  });

  it("the API reference lists every route of the application except the dashboard and the reference itself, and no other route", () => {
    const METHODS = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"]);
    const built = app.routes
      .filter(({ method, path }) => METHODS.has(method) && !path.endsWith("*"))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(?:\{\.\+\})?/g, "{$1}")}`)
      .filter((route) => !/^GET \/(?:docs|openapi\.json|dashboard)/.test(route));
    expect(new Set(Object.keys(operations))).toEqual(new Set(built));
  });

  it("each problem type that a source of the API answers is in the API reference, with its status and title, and in docs/failure-modes.md", () => {
    const found = new Set<string>();
    for (const [file, source] of Object.entries(SOURCES)) {
      if (file.includes("/operations/")) continue;
      const pattern =
        /(?:status: (?<status>\d{3}),\s*)?type: "(?<type>[a-z]+(?:-[a-z]+)*)",\s*title: "(?<title>[^"]+)"/g;
      for (const { groups } of source.matchAll(pattern)) {
        const { type = "", status, title } = groups ?? {};
        if (UNDOCUMENTED.has(type)) continue;
        found.add(type);
        const entry: ProblemEntry | undefined = PROBLEMS[type as keyof typeof PROBLEMS];
        expect(entry?.title, `${file}: ${type}`).toBe(title);
        if (status !== undefined) expect(entry?.status, type).toBe(Number(status));
      }
    }
    expect(new Set(Object.keys(PROBLEMS))).toEqual(found);
    for (const type of found) expect(failureModes).toContain(`\`${type}\``);
  });

  it("each example in the API reference matches its schema", () => {
    let examples = 0;
    const check = (schema: object, example: unknown, where: string): void => {
      examples++;
      const whole = { ...schema, components: document.components } as Schema;
      const { valid, errors } = new Validator(whole, "2020-12").validate(
        JSON.parse(JSON.stringify(example)),
      );
      expect(valid, `${where}: ${JSON.stringify(errors)}`).toBe(true);
    };
    const visit = (value: unknown, where: string): void => {
      if (typeof value !== "object" || value === null) return;
      const { schema, example, examples } = value as Record<string, unknown>;
      if (typeof schema === "object" && schema !== null) {
        if (example !== undefined) check(schema, example, where);
        for (const [name, one] of Object.entries(examples ?? {}))
          check(schema, (one as { value: unknown }).value, `${where} ${name}`);
      }
      for (const [name, member] of Object.entries(value)) visit(member, `${where}/${name}`);
    };
    visit(document, "");
    expect(examples).toBeGreaterThan(60);
  });
});
