/** The packages that `tools/trim` rewrites do what the original packages do. */
import { build } from "esbuild";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { neonOverHttp } from "../../tools/trim/neon.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "strata-trim-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Bundles what the layer uses of a driver as the Worker's bundler does, and returns them with the bytes of the bundle. */
async function bundled(
  module: string,
): Promise<{ readonly exports: Driver; readonly bytes: number }> {
  const outfile = join(folder, `${crypto.randomUUID()}.mjs`);
  await build({
    stdin: {
      contents: `export { neon, neonConfig } from ${JSON.stringify(module)};`,
      resolveDir: process.cwd(),
    },
    outfile,
    bundle: true,
    minify: true,
    format: "esm",
    conditions: ["workerd", "worker", "browser"],
  });
  return { exports: (await import(outfile)) as Driver, bytes: statSync(outfile).size };
}

/** Writes a module, and returns its path. */
function written(text: string): string {
  const file = join(folder, "trimmed.mjs");
  writeFileSync(file, text);
  return file;
}

/** The part of a request that the tests read. */
interface Sent {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Driver {
  readonly neon: (url: string) => {
    query(text: string, values: readonly unknown[], options: object): Promise<unknown>;
    transaction(queries: readonly unknown[], options: object): Promise<unknown>;
  };
  readonly neonConfig: { fetchFunction: (url: string, init: Sent) => Promise<Response> };
}

const URL_OF_DATABASE = "postgres://user:password@db.example.com/shop";

/** Types of Postgres with a text of each. */
const VALUES: readonly (readonly [oid: number, text: string | null])[] = [
  [16, "t"],
  [17, "\\x00ff10"],
  [20, "9007199254740993"],
  [21, "7"],
  [23, "-42"],
  [25, "text"],
  [114, '{"a":[1,2]}'],
  [600, "(1,2)"],
  [700, "1.5"],
  [701, "2.25"],
  [1000, "{t,f,NULL}"],
  [1007, "{1,2,NULL}"],
  [1009, '{"a b",c,"d\\"e"}'],
  [1082, "2026-11-28"],
  [1114, "2026-11-28 10:11:12.5"],
  [1184, "2026-11-28 10:11:12.5+02"],
  [1186, "1 year 2 mons 3 days 04:05:06.7"],
  [1700, "12.50"],
  [3802, '{"b":null}'],
  [99_999, "unknown"],
  [23, null],
];
const ANSWER = {
  command: "SELECT",
  rowCount: 1,
  fields: VALUES.map(([dataTypeID], at) => ({ name: `c${at}`, dataTypeID })),
  rows: [VALUES.map(([, text]) => text)],
};

/** Sends queries with a driver, and returns its requests and results. */
async function conversation({ neon, neonConfig }: Driver) {
  const requests: unknown[] = [];
  neonConfig.fetchFunction = async (url, { method, headers, body }) => {
    const sent = JSON.parse(body) as { query?: string; queries?: unknown[] };
    requests.push({ url, method, headers, sent });
    if (sent.query === "fail")
      return Response.json({ message: "no such table", code: "42P01" }, { status: 400 });
    return Response.json(sent.queries ? { results: sent.queries.map(() => ANSWER) } : ANSWER);
  };
  const client = neon(URL_OF_DATABASE);
  const values = [1, "a", null, true, new Date(0), { a: 1 }, [1, "b"], new Uint8Array([1, 255])];
  const asArrays = { arrayMode: true, fullResults: true };
  const results = [
    await client.query("select $1", values, asArrays),
    await client.query("select", [], { arrayMode: false, fullResults: false }),
    await client.transaction(
      [client.query("a", values, asArrays), client.query("b", [], asArrays)],
      {
        isolationLevel: "Serializable",
        readOnly: true,
        ...asArrays,
      },
    ),
    await client.query("fail", [], asArrays).catch((error: Error & { code?: string }) => ({
      name: error.name,
      message: error.message,
      code: error.code,
    })),
  ];
  // Parsers and types are functions, which differ between two copies of the driver.
  return JSON.parse(JSON.stringify({ requests, results })) as unknown;
}

describe("the driver of Postgres that tools/trim writes", () => {
  it("the trimmed driver sends the same requests as the original one, and reads the same values, batches and errors from the answers", async () => {
    const original = await bundled("@neondatabase/serverless");
    const trimmed = await bundled(written(neonOverHttp()));
    const expected = await conversation(original.exports);
    expect(JSON.stringify(expected)).toContain("no such table");
    expect(await conversation(trimmed.exports)).toEqual(expected);
  });

  it("a bundle of the trimmed driver has less than 60 percent of the bytes of a bundle of the original one", async () => {
    const original = await bundled("@neondatabase/serverless");
    const trimmed = await bundled(written(neonOverHttp()));
    expect(trimmed.bytes).toBeLessThan(0.6 * original.bytes);
  });
});
