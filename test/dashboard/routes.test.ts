import { describe, expect, it } from "vitest";
import { dashboardRoutes } from "../../src/dashboard/routes.ts";
import type { MetricsView } from "../../src/index.ts";

const routes = dashboardRoutes({
  assets: { fetch: () => Promise.resolve(new Response("file")) },
  metrics: {} as MetricsView,
  guard: (_c, next) => next(),
  unreachableForMs: 60_000,
  queue: () => Promise.reject(new Error("no database here")),
});

describe("the dashboard", () => {
  it.each(["/", "/app.js"])(
    "the dashboard sends Cross-Origin-Opener-Policy: same-origin with the response to %s",
    async (path) => {
      const { status, headers } = await routes.request(path);
      expect([status, headers.get("Cross-Origin-Opener-Policy")]).toEqual([200, "same-origin"]);
    },
  );
});
