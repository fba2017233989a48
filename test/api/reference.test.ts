import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createIsolate } from "../../src/api/isolate.ts";
import { openapi } from "../../src/api/openapi.ts";
import type { Bindings } from "../../src/index.ts";
import { uniqueNamespace } from "../support/isolate.ts";

const bindings = { ...(env as unknown as Bindings), STRATA_NAMESPACE: uniqueNamespace() };
const { app } = createIsolate(bindings);
const get = async (path: string) =>
  app.fetch(new Request(`http://strata.test${path}`), bindings, createExecutionContext());

describe("the API reference", () => {
  it("the API reference is served as OpenAPI and as a page that names every path", async () => {
    const document = await get("/openapi.json");
    expect(await document.json()).toEqual(openapi);
    const page = await get("/docs");
    expect(page.headers.get("Content-Type")).toContain("text/html");
    const text = await page.text();
    for (const path of Object.keys(openapi.paths)) expect(text).toContain(path);
  });

  it("the API reference has every route of the application and no other", () => {
    const METHODS = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"]);
    const built = app.routes
      .filter(({ method, path }) => METHODS.has(method) && !path.includes("*"))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`)
      .filter((route) => !/ \/(?:docs|openapi\.json|dashboard|admin\/(?!purge|warm))/.test(route));
    const documented = Object.entries(openapi.paths).flatMap(([path, item]) =>
      Object.keys(item)
        .filter((method) => METHODS.has(method.toUpperCase()))
        .map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(new Set(documented)).toEqual(new Set(built));
  });
});
