import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Miniflare } from "miniflare";
import { describe, expect, inject, test } from "vitest";
import { entriesOf } from "../../tools/check/entries.ts";
import { measure } from "../../tools/check/entry-size.ts";
import { createConsumer, REPOSITORY, type Consumer } from "./support/consumer.ts";
import { SAMPLES, type Sample } from "./support/samples.ts";

const ENTRIES = entriesOf(REPOSITORY);
const PLATFORM = /^(?:cloudflare|node):/u;

const sampleOf = (name: string): Sample => {
  const sample = SAMPLES[name];
  if (sample === undefined) throw new Error(`samples.ts has no sample of ${name}`);
  return sample;
};

function consumerOf({ peers, source, skipLibCheck }: Sample): Consumer {
  const compilerOptions = {
    target: "ES2024",
    lib: ["ES2024", "ESNext.Disposable"],
    module: "ESNext",
    moduleResolution: "bundler",
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: skipLibCheck !== undefined,
  };
  const tsconfig = JSON.stringify({ compilerOptions, include: ["src"] });
  return createConsumer(inject("tarball"), peers, {
    "src/index.ts": source,
    "tsconfig.json": tsconfig,
  });
}

/** Answers for the origin of the sample of `strata/proxy`; every other server is away. */
function outbound(request: { readonly url: string }): Response {
  if (new URL(request.url).host !== "origin.test") return new Response("away", { status: 502 });
  return new Response("page", { headers: { "Cache-Control": "max-age=60" } });
}

async function askTwice(script: string): Promise<readonly string[]> {
  const miniflare = new Miniflare({
    modules: true,
    script,
    compatibilityDate: "2026-11-02",
    compatibilityFlags: ["nodejs_als"],
    outboundService: outbound as never,
  });
  try {
    const url = await miniflare.ready;
    const ask = async () => (await fetch(url)).text();
    return [await ask(), await ask()];
  } finally {
    await miniflare.dispose();
  }
}

describe.each(ENTRIES)("the entry $name", ({ name, source }) => {
  const sample = sampleOf(name);

  test(`${name} imports no package but those that its sample installs`, async () => {
    const { imports } = await measure(REPOSITORY, [source], "external");
    const packages = imports.filter((path) => !PLATFORM.test(path));
    expect(packages.filter((path) => !sample.peers.includes(path))).toEqual([]);
  });

  test(`${name} from the tarball compiles in a strict project and answers in workerd, with only its own packages installed`, async () => {
    using consumer = consumerOf(sample);
    expect(consumer.types()).toBe("");
    expect(await askTwice(await consumer.bundle("src/index.ts"))).toEqual(sample.answers);
  });
});

test("strata from the tarball reads, hits and invalidates in Node, without any other package", () => {
  using consumer = consumerOf(sampleOf("strata"));
  const program = `import { createStrata, definePolicy, key } from "strata";
const cache = createStrata().open();
const policy = definePolicy({ freshFor: "5m", tags: ["greetings"] });
const read = async () => (await cache.read(key("greeting", "ada"), policy, async () => "Hello")).status;
const seen = [await read(), await read()];
await cache.invalidateTags("greetings");
console.log([...seen, await read()].join(" "));
`;
  writeFileSync(join(consumer.folder, "main.js"), program);
  const { stdout, stderr } = spawnSync(process.execPath, ["main.js"], {
    cwd: consumer.folder,
    encoding: "utf8",
  });
  expect({ stdout, stderr }).toEqual({ stdout: "miss hit-memory miss\n", stderr: "" });
});

test("the entry strata exports the same names in Node as in workerd", async () => {
  using consumer = consumerOf(sampleOf("strata"));
  const namesOf = async (file: string) => {
    const script = await consumer.bundle(`node_modules/strata/dist/entries/${file}.js`);
    return /export \{([^}]*)\}/u
      .exec(script)?.[1]
      ?.split(",")
      .map((name) => name.trim())
      .toSorted();
  };
  const names = await namesOf("data");
  expect(names).toContain("createStrata");
  expect(await namesOf("data-node")).toEqual(names);
});
