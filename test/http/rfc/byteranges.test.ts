/** multipart/byteranges responses, read by a parser that shares no code with the writer. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Entry } from "../../../src/core/entry.ts";
import { serve } from "../../../src/http/cache/serve.ts";
import { parseByteranges } from "../../support/byteranges.ts";

const NOW = Date.UTC(2026, 10, 21, 12);

interface Stored {
  readonly body: string | Uint8Array;
  readonly part?: { readonly first: number; readonly last: number; readonly total: number };
  readonly contentType?: string;
}

function entryOf({ body, part, contentType }: Stored): Entry {
  const headers: [string, string][] =
    contentType === undefined ? [] : [["content-type", contentType]];
  const until = NOW + 1_000;
  return {
    key: "a:1",
    kind: "value",
    body,
    http: { status: part === undefined ? 200 : 206, headers, ...(part && { part }) },
    etag: "",
    invalidationKeys: [],
    storedAt: NOW,
    freshUntil: until,
    staleUntil: until,
    errorUntil: until,
    deleteAt: until,
    asOf: 0,
    era: "e",
    loadCost: 0,
  };
}

function ask(entry: Entry, ranges: readonly string[]): Response {
  const request = new Request("http://x.test/", {
    headers: { Range: `bytes=${ranges.join(", ")}` },
  });
  return serve(request, entry, NOW, { reused: true });
}

/** Bytes of every kind, and pieces of boundaries. */
const bodies = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.uint8Array({ maxLength: 12 }) },
      fc
        .tuple(
          fc.constantFrom("--strata-part-0000000", "strata-part-0000000", "\r\n--", "strata-part-"),
          fc.nat(9),
        )
        .map(([text, digit]) => new TextEncoder().encode(`${text}${digit}`)),
    ),
    { minLength: 1, maxLength: 20 },
  )
  .map((pieces) => Uint8Array.from(pieces.flatMap((piece) => [...piece])))
  .filter((bytes) => bytes.length > 1);

const ranges = fc.array(
  fc.oneof(
    fc.tuple(fc.nat(300), fc.nat(40)).map(([first, more]) => `${first}-${first + more}`),
    fc.nat(300).map((first) => `${first}-`),
    fc.nat(60).map((suffix) => `-${suffix}`),
  ),
  { minLength: 1, maxLength: 16 },
);

/** The indices of the bytes that a range selects. */
function bytesAskedFor(range: string, total: number): number[] {
  const [from = "", to = ""] = range.split("-");
  const first = from === "" ? Math.max(0, total - Number(to)) : Number(from);
  const last = from === "" || to === "" ? total - 1 : Number(to);
  return Array.from({ length: total }, (_, at) => at).filter((at) => first <= at && at <= last);
}

/** The expected parts: runs of selected bytes, in the order of the first range of each. */
function wanted(whole: Uint8Array, asked: readonly string[]) {
  const total = whole.length;
  const bytes = asked.map((range) => bytesAskedFor(range, total));
  const runs: number[][] = [];
  for (const at of [...new Set(bytes.flat())].toSorted((one, other) => one - other)) {
    const run = runs.at(-1);
    if (run?.at(-1) === at - 1) run.push(at);
    else runs.push([at]);
  }
  const place = (run: readonly number[]) =>
    bytes.findIndex((range) => range.some((at) => run.includes(at)));
  return {
    status: runs.length === 0 ? 416 : 206,
    several: runs.length > 1,
    parts: runs
      .toSorted((one, other) => place(one) - place(other))
      .map((run) => ({ first: run[0], total, body: Uint8Array.from(run, (at) => whole[at] ?? 0) })),
  };
}

async function received(response: Response) {
  const { status, headers } = response;
  const body = new Uint8Array(await response.arrayBuffer());
  const single = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get("Content-Range") ?? "");
  if (single !== null) {
    const part = { first: Number(single[1]), total: Number(single[2]), body };
    return { status, several: false, parts: [part] };
  }
  if (body.length === 0) return { status, several: false, parts: [] };
  const parts = parseByteranges(headers.get("Content-Type"), body);
  return {
    status,
    several: true,
    parts: parts.map(({ first, total, body: bytes }) => ({ first, total, body: bytes })),
  };
}

describe("multipart/byteranges", () => {
  it("the response to several ranges contains exactly the selected bytes, each once, with the parts in the order of the requested ranges", async () => {
    await fc.assert(
      fc.asyncProperty(bodies, ranges, async (whole, asked) => {
        expect(await received(ask(entryOf({ body: whole, contentType: "a/b" }), asked))).toEqual(
          wanted(whole, asked),
        );
      }),
      { numRuns: 2_000, seed: 9_110 },
    );
  });

  it("the positions in a Range request for a stored text count UTF-8 bytes, not characters", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", minLength: 1 }), ranges, async (text, asked) => {
        const whole = new TextEncoder().encode(text);
        expect(await received(ask(entryOf({ body: text }), asked))).toEqual(wanted(whole, asked));
      }),
      { numRuns: 500, seed: 9_110 },
    );
  });

  it("if only a part of a representation is stored, Content-Range still counts from the start of the whole representation", async () => {
    const whole = Uint8Array.from({ length: 100 }, (_, at) => at);
    const part = { first: 40, last: 79, total: 100 };
    const entry = entryOf({ body: whole.slice(40, 80), part });
    const asked = ["70-79", "40-49"];
    expect(await received(ask(entry, asked))).toEqual(wanted(whole, asked));
  });

  it("the boundary of a multipart/byteranges response occurs neither in the body nor in the Content-Type of a part", async () => {
    const taken = Array.from(
      { length: 12 },
      (_, at) => `--strata-part-${String(at).padStart(8, "0")}`,
    );
    const [inType = "", ...inBody] = taken;
    const body = new TextEncoder().encode(`${inBody.join("\r\n")}, and the rest`);
    const contentType = `a/b; x="${inType}"`;
    const response = ask(entryOf({ body, contentType }), [`0-${body.length - 4}`, "-2"]);
    const boundary = /boundary=(.*)$/.exec(response.headers.get("Content-Type") ?? "")?.[1];
    expect(boundary).toBe("strata-part-00000012");
    const parts = parseByteranges(
      response.headers.get("Content-Type"),
      new Uint8Array(await response.arrayBuffer()),
    );
    expect(parts.map((part) => part.headers.get("Content-Type"))).toEqual([
      contentType,
      contentType,
    ]);
  });

  it(
    "a multipart/byteranges response for a body that contains 150,000 possible boundaries gets an unused one in less than 10 s",
    { timeout: 10_000 },
    () => {
      const taken = Array.from(
        { length: 150_000 },
        (_, at) => `--strata-part-${String(at).padStart(8, "0")}`,
      ).join("");
      const body = `${taken}, and the rest`;
      const response = ask(entryOf({ body }), [`0-${taken.length}`, "-10"]);
      expect(response.headers.get("Content-Type")).toMatch(/boundary=strata-part-00150000$/);
    },
  );
});
