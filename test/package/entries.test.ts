import { spawnSync } from "node:child_process";
import { afterAll, describe, expect, inject, test } from "vitest";
import { entriesOf } from "../../tools/package/entries.ts";
import { measure } from "../../tools/check/entry-size.ts";
import { createConsumer, REPOSITORY, type Consumer } from "./support/consumer.ts";
import { SAMPLES, type Sample } from "./support/samples.ts";
import { serve } from "./support/serve.ts";

const ENTRIES = entriesOf(REPOSITORY);
const PLATFORM = /^(?:cloudflare|node):/u;

const sampleOf = (name: string): Sample => {
  const sample = SAMPLES[name];
  if (sample === undefined) throw new Error(`samples.ts has no sample of ${name}`);
  return sample;
};

/** One installed application for each set of packages. */
const consumers = new Map<string, Consumer>();
afterAll(() => {
  for (const consumer of consumers.values()) consumer[Symbol.dispose]();
});

/** Writes the sample into the application that has its packages, and no others. */
function consumerOf({ peers, source, skipLibCheck }: Sample): Consumer {
  const set = peers.toSorted().join(" ");
  const consumer = consumers.get(set) ?? createConsumer(inject("tarball"), peers, {});
  consumers.set(set, consumer);
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
  consumer.write("index.ts", source);
  consumer.write("tsconfig.json", JSON.stringify({ compilerOptions, include: ["index.ts"] }));
  return consumer;
}

/** Answers for the origin of the sample of `strata/proxy`; every other server is away. */
const outbound = (url: URL): Response =>
  url.host === "origin.test"
    ? new Response("page", { headers: { "Cache-Control": "max-age=60" } })
    : new Response("away", { status: 502 });

async function askTwice(script: string): Promise<readonly string[]> {
  await using worker = await serve(script, { outbound });
  const ask = async () => (await fetch(worker.url)).text();
  return [await ask(), await ask()];
}

describe.each(ENTRIES)("the entry $name", ({ name, source }) => {
  const sample = sampleOf(name);

  test(`${name} imports no package but those that its sample installs`, async () => {
    const { imports } = await measure(REPOSITORY, [source], "external");
    const packages = imports.filter((path) => !PLATFORM.test(path));
    expect(packages.filter((path) => !sample.peers.includes(path))).toEqual([]);
  });

  test(`${name} from the tarball compiles in a strict project and answers in workerd, with only its own packages installed`, async () => {
    const consumer = consumerOf(sample);
    expect(consumer.types()).toBe("");
    expect(await askTwice(await consumer.bundle("index.ts"))).toEqual(sample.answers);
  });
});

test("strata from the tarball reads, hits and invalidates in Node, without any other package", () => {
  const consumer = consumerOf(sampleOf("strata"));
  const program = `import { createStrata, definePolicy, key } from "strata";
const cache = createStrata({ namespace: "shop" }).open();
const policy = definePolicy({ freshFor: "5m", tags: ["greetings"] });
const read = async () => (await cache.read(key("greeting", "ada"), policy, async () => "Hello")).status;
const seen = [await read(), await read()];
await cache.invalidateTags("greetings");
console.log([...seen, await read()].join(" "));
`;
  consumer.write("main.js", program);
  const { stdout, stderr } = spawnSync(process.execPath, ["main.js"], {
    cwd: consumer.folder,
    encoding: "utf8",
  });
  expect({ stdout, stderr }).toEqual({ stdout: "miss hit-memory miss\n", stderr: "" });
});

test("the entry strata exports the same names in Node as in workerd", async () => {
  const consumer = consumerOf(sampleOf("strata"));
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
