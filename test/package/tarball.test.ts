import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, inject, test } from "vitest";
import { createConsumer, REPOSITORY } from "./support/consumer.ts";

function check(program: string, ...args: readonly string[]) {
  const bin = join(REPOSITORY, "node_modules/.bin", program);
  const { status, stdout, stderr } = spawnSync(bin, args, { encoding: "utf8" });
  return { status, output: stdout + stderr };
}

test("publint finds nothing to improve in the tarball", () => {
  const { status, output } = check("publint", "run", inject("tarball"), "--strict");
  expect(output).toContain("All good!");
  expect(status).toBe(0);
});

test("are-the-types-wrong finds no entry of the tarball whose types do not resolve as an ES module", () => {
  const { status, output } = check("attw", inject("tarball"), "--profile", "esm-only");
  expect(output).toContain('"strata/hono"');
  expect({ status, output: status === 0 ? "" : output }).toEqual({ status: 0, output: "" });
});

test("each declaration and source map of the tarball names files that it has, or holds their text", () => {
  using consumer = createConsumer(inject("tarball"), [], {});
  const dist = join(consumer.folder, "node_modules/strata/dist");
  const read = (path: string) => readFileSync(join(dist, path), "utf8");
  const map = JSON.parse(read("compose/data-layer.js.map")) as { sourcesContent: string[] };
  expect(map.sourcesContent[0]).toContain("export function createDataLayer");
  const declaration = read("entries/data.d.ts");
  const named = [...declaration.matchAll(/from "([^"]+)"/gu)].map(([, path = ""]) => path);
  expect(named.length).toBeGreaterThan(5);
  for (const path of named) {
    expect(path).toMatch(/\.js$/u);
    expect(read(join(dirname("entries/data.d.ts"), path))).not.toBe("");
  }
  // Doc comments are what an editor shows.
  expect(read("data/options.d.ts")).toContain(
    "The maximum number of bytes of all entries together.",
  );
});

test("each package that a declaration of the tarball imports is an optional peer", () => {
  using consumer = createConsumer(inject("tarball"), [], {});
  const root = join(consumer.folder, "node_modules/strata");
  const { peerDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    peerDependencies: object;
  };
  const peers = new Set(Object.keys(peerDependencies));
  const isKnown = (name: string): boolean => peers.has(name) || /^(?:cloudflare|node):/u.test(name);
  const imports = globSync("dist/**/*.d.ts", { cwd: root }).flatMap((path) => {
    const text = readFileSync(join(root, path), "utf8").replaceAll(/\/\*[\s\S]*?\*\//gu, "");
    return Array.from(
      text.matchAll(/(?:from |import\()"([^."][^"]*)"/gu),
      ([, name = ""]) => `${/^(?:@[^/]+\/)?[^/]+/u.exec(name)?.[0]} in ${path}`,
    );
  });
  expect(imports.length).toBeGreaterThan(20);
  expect(imports.filter((each) => !isKnown(each.slice(0, each.indexOf(" "))))).toEqual([]);
});
