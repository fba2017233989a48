import { describe, expect, it } from "vitest";
import { joinLocally } from "../../src/answers/local-join.ts";
import { createRecordings } from "../../src/answers/recordings.ts";
import { definePolicy } from "../../src/core/policy.ts";
import type { StorableResult } from "../../src/core/entry.ts";
import type { Engine } from "../../src/engine/engine.ts";
import {
  callWith,
  LIMITS,
  noTimer,
  quietContext,
  randomFrom,
  readAll,
  streamText,
} from "./support.ts";

const RUNS = 10_000;
const NEWLINES = ["\n", "\r\n"] as const;

/** Records an answer and returns what the engine was asked to store. */
async function record(parts: readonly Uint8Array[], end: "close" | "error") {
  const stored: StorableResult[] = [];
  const engine = {
    put: (_key: string, _policy: unknown, result: StorableResult) => void stored.push(result),
  } as unknown as Engine;
  const { ctx, settled } = quietContext();
  const recordings = createRecordings({
    now: () => 0,
    newId: () => "1",
    after: noTimer,
    lingerMs: 0,
    waitFor: (change) => change,
  });
  const joined = joinLocally(
    { recordings, engine, after: noTimer, limits: LIMITS },
    { key: "answer:x", policy: definePolicy({ freshFor: "5m" }), tags: [] },
    callWith(parts, end),
    { after: undefined, mayStart: true, position: { asOf: 1, era: "e" }, ctx },
  );
  if (!joined.ok || joined.value === undefined) throw new Error("the call did not begin");
  const read = await readAll(joined.value.feed);
  await settled();
  return { read, stored };
}

/** Splits bytes into random parts, so that parts end inside characters, lines and events. */
function split(bytes: Uint8Array, random: () => number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = 1 + Math.floor(random() * 900);
    parts.push(bytes.subarray(at, at + length));
    at += length;
  }
  return parts;
}

describe("an answer of a model that is cut off", () => {
  it(`none of ${RUNS} answers that are cut at a random byte is stored, and each reader is told of the cut`, async () => {
    const random = randomFrom(1);
    const encoder = new TextEncoder();
    let [stores, noticed, prefixes] = [0, 0, 0];
    for (let run = 0; run < RUNS; run++) {
      const pieces = Array.from({ length: 1 + Math.floor(random() * 6) }, () =>
        random() < 0.3 ? "Grüße 👋 " : `word${Math.floor(random() * 99)} `,
      );
      const bytes = encoder.encode(streamText(pieces, "stop", NEWLINES[run % 2]));
      const cut = Math.floor(random() * (bytes.length - 1));
      const end = random() < 0.5 ? "close" : "error";
      const { read, stored } = await record(split(bytes.subarray(0, cut), random), end);
      stores += stored.length;
      if (read.end.kind === "failed") noticed += 1;
      if (pieces.join("").startsWith(read.pieces.join(""))) prefixes += 1;
    }
    expect([stores, noticed, prefixes]).toEqual([0, RUNS, RUNS]);
  }, 300_000);

  it("a whole answer is stored once with all its pieces, however its bytes are split", async () => {
    const random = randomFrom(2);
    const pieces = ["Grüße ", "an ", "alle 👋"];
    for (const newline of NEWLINES) {
      const bytes = new TextEncoder().encode(streamText(pieces, "stop", newline));
      for (let run = 0; run < 50; run++) {
        const { read, stored } = await record(split(bytes, random), "close");
        expect(read.pieces).toEqual(pieces);
        expect(stored).toHaveLength(1);
        expect(JSON.parse(String(stored[0]?.body))).toMatchObject({
          frames: pieces.map((piece) => [0, piece]),
          info: { finishReason: "stop", usage: { inputTokens: 3, outputTokens: 3 } },
        });
      }
    }
  });

  it.each(["length", "content_filter", "tool_calls", "unknown"])(
    "an answer that the model ends with the reason %s reaches its reader and is not stored",
    async (reason) => {
      const bytes = new TextEncoder().encode(streamText(["a ", "b"], reason));
      const { read, stored } = await record([bytes], "close");
      expect(read).toMatchObject({
        pieces: ["a ", "b"],
        end: { kind: "whole", storable: false, info: { finishReason: reason } },
      });
      expect(stored).toEqual([]);
    },
  );

  it.each([
    ["without text", '{"choices":[{"delta":{}}]}'],
    ["with a refusal", '{"choices":[{"delta":{"content":"No","refusal":"I may not"}}]}'],
  ])("an answer %s reaches its reader and is not stored", async (_what, chunk) => {
    const end = '{"choices":[{"delta":{},"finish_reason":"stop"}]}';
    const events = [chunk, end, "[DONE]"].map((data) => `data: ${data}\n\n`).join("");
    const { read, stored } = await record([new TextEncoder().encode(events)], "close");
    expect(read.end).toMatchObject({ kind: "whole", storable: false });
    expect(stored).toEqual([]);
  });

  it("an answer without a reason for its end is a cut answer, also with [DONE]", async () => {
    const bytes = new TextEncoder().encode(streamText(["a"], null));
    const { read, stored } = await record([bytes], "close");
    expect([read.end.kind, stored]).toEqual(["failed", []]);
  });
});
