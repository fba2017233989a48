import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createIsolate } from "../../src/api/isolate.ts";
import { openapi } from "../../src/api/openapi.ts";
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
const get = async (path: string) =>
  app.fetch(
    new Request(`http://strata.test${path}`, { headers: address }),
    bindings,
    createExecutionContext(),
  );

interface Operation {
  readonly security?: readonly { readonly admin: readonly string[] }[];
}

describe("the API reference", () => {
  it("the API serves its reference as an OpenAPI document, and as an HTML page that lists every path", async () => {
    const document = await get("/openapi.json");
    expect(await document.json()).toEqual(openapi);
    const page = await get("/docs");
    expect(page.headers.get("Content-Type")).toContain("text/html");
    const text = await page.text();
    for (const path of Object.keys(openapi.paths)) expect(text).toContain(path);
  });

  it("the API reference states the admin role that each protected route requires", async () => {
    const seen = new Set<string>();
    for (const [path, item] of Object.entries(openapi.paths))
      for (const [method, operation] of Object.entries(item) as [string, Operation][]) {
        const needed = operation.security?.[0]?.admin[0];
        if (needed === undefined) continue;
        seen.add(needed);
        const url = `http://strata.test${path.replace("{id}", "2147483647")}`;
        const allowed: string[] = [];
        for (const role of ROLES) {
          const headers = { ...address, Authorization: `Bearer ${tokenOf(role)}` };
          const request = new Request(url, { method: method.toUpperCase(), headers });
          const { status } = await app.fetch(request, bindings, createExecutionContext());
          expect(status, `${method} ${path} with ${role}`).not.toBe(401);
          if (status !== 403) allowed.push(role);
        }
        expect(allowed, `${method} ${path}`).toEqual(MAY_USE[needed]);
      }
    expect(seen).toEqual(new Set(["scrape", "read", "purge", "all"]));
  });

  it("the API reference lists every route of the application except the dashboard, the reference and parts of /admin, and no other route", () => {
    const METHODS = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"]);
    const built = app.routes
      .filter(({ method, path }) => METHODS.has(method) && !path.includes("*"))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`)
      .filter(
        (route) =>
          !/ \/(?:docs|openapi\.json|dashboard|admin\/(?!purge|warm|why|degradation))/.test(route),
      );
    const documented = Object.entries(openapi.paths).flatMap(([path, item]) =>
      Object.keys(item)
        .filter((method) => METHODS.has(method.toUpperCase()))
        .map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(new Set(documented)).toEqual(new Set(built));
  });
});
