/** The answers of the reference API without one of its optional bindings, or without all of them. */
import { describe, expect, it } from "vitest";
import type { Bindings } from "../../src/index.ts";
import { createClient } from "./client.ts";

const OPTIONAL = [
  "FLIGHTS",
  "METRICS",
  "OUTBOX",
  "LOGS",
  "SLOTS",
  "LIVE",
  "ANSWERS",
  "QUEUE",
  "DEAD_LETTERS",
  "ASSETS",
] as const satisfies readonly (keyof Bindings)[];

const CASES: readonly (readonly [string, readonly (keyof Bindings)[]])[] = [
  ...OPTIONAL.map((name) => [`the binding ${name}`, [name]] as const),
  ["any of its optional bindings", OPTIONAL],
];

describe("a Worker without a binding", () => {
  it.each(CASES)(
    "a Worker without %s answers a read, its repetition from memory, a write with its invalidation, and /health",
    async (_what, without) => {
      const client = createClient({}, without);
      const read = () => client.send("/products/7");
      const { description } = await (await read()).json<{ description: string }>();
      expect((await read()).headers.get("X-Cache-Status")).toBe("HIT");
      const written = await client.write("PATCH", "/products/7", { description });
      expect([written.status, written.headers.get("X-Invalidation")]).toEqual([200, "done"]);
      expect((await read()).status).toBe(200);
      expect((await client.send("/health")).status).toBe(200);
    },
  );
});
