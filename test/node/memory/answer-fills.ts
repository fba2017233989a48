/** A Worker that answers requests from as many entries as the memory tier takes by default. */
import { Hono } from "hono";
import type { Entry } from "../../../src/core/entry.ts";
import { respondWithEntry } from "../../../src/http/routes/respond.ts";
import { holding } from "./holding.ts";

const ENTRIES = 20_000;
const HEADERS = Array.from({ length: 8 }, (_, i) => [`x-field-${i}`, "value"] as const);

/** They stay, so that the growth of a later fill is that of the answers. */
const entries: Entry[] = [];

function entryOf(id: number): Entry {
  return {
    key: `product:${id}`,
    kind: "value",
    body: "a body",
    http: { status: 200, headers: [...HEADERS] },
    etag: `"${id}"`,
    invalidationKeys: [],
    storedAt: 0,
    freshUntil: 60_000,
    staleUntil: 60_000,
    errorUntil: 60_000,
    deleteAt: 60_000,
    asOf: 0,
    era: "",
    loadCost: 0,
    ofPolicy: true,
  };
}

const app = new Hono().get("/:at", (c) =>
  respondWithEntry(c, c.req.raw, entries[Number(c.req.param("at"))]!, 1_000),
);

/** Answers one request from each entry. */
async function answerAll(): Promise<void> {
  for (let at = 0; at < ENTRIES; at++) await (await app.request(`/${at}`)).text();
}

export default holding({
  entries: async () => {
    for (let at = 0; at < ENTRIES; at++) entries.push(entryOf(at));
    // One request compiles the code.
    await (await app.request("/0")).text();
    return { held: undefined, answer: ENTRIES };
  },
  answers: async () => {
    await answerAll();
    return { held: undefined, answer: ENTRIES };
  },
});
