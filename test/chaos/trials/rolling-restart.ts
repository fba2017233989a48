import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Product } from "../../e2e/support/product.ts";
import { isGood, percentile, share, times } from "../figures.ts";
import { createShop, stockShop } from "../shop.ts";
import type { Trial } from "../trial.ts";
import { createVersions, type Versions } from "../versions.ts";
import { visit, type Errand } from "../visit.ts";

const FIRST_MS = 3_000;
const SECOND_MS = 13_000;
const FOR_MS = 25_000;
const BOUND_MS = 1_000 + 500;

/** The Worker in a copy. wrangler restarts an instance whose configuration names another one. */
const MAIN = "src/worker.ts";

/** The edits that make the second version: a shorter lifetime, and a field that its schema demands. */
const EDITS = [
  {
    file: "src/api/kinds.ts",
    from: `freshFor: "1h",`,
    to: `freshFor: "30m",
    schema: {
      "~standard": {
        validate: (value: unknown) =>
          typeof value === "object" && value !== null && "currency" in value
            ? { value }
            : { issues: [{ message: "no currency" }] },
      },
    },`,
  },
  {
    file: "src/api/queries.ts",
    from: "return { ...row, updatedAt",
    to: 'return { ...row, currency: "EUR", updatedAt',
  },
] as const;

/** Two versions of the Worker share one Redis. Neither serves what it may not, and no reader waits for the change. */
export const trial: Trial = {
  about: "both instances restart one after the other, as a version with another schema and policy",
  async run({ root, drive, rate, startAnother }) {
    const folder = join(root, ".strata", `versions-${process.pid}`);
    const [first, second] = copies(root, folder);
    const product = await startAnother({ root: first });
    try {
      await stockShop(product.services);
      const shop = createShop(product.urls, product.adminToken);
      const versions = createVersions(shop, shop.take(40));
      for (const id of versions.ids)
        for (const instance of [0, 1]) await visit(shop.product(instance, id), {});
      const answers: Seen[] = [];
      const { visits } = await drive({
        forMs: FOR_MS,
        happenings: [
          {
            atMs: FIRST_MS,
            act: async () => replaceIn(join(first, "wrangler.toml"), MAIN, join(second, MAIN)),
          },
          {
            atMs: SECOND_MS,
            act: async () =>
              replaceIn(furtherConfig(first, product), join(first, MAIN), join(second, MAIN)),
          },
        ],
        streams: [
          {
            name: "read",
            perSecond: rate(80),
            errand: (n) => watched(versions, n % 2, versions.ids[n % 40] ?? 0, answers),
          },
          {
            name: "cold",
            perSecond: rate(5),
            errand: (n) => shop.product(n % 2, shop.take(1)[0] ?? 0),
          },
          { name: "write", perSecond: 2, errand: (n) => versions.write(n % 2, n) },
        ],
      });
      const reads = visits.filter(({ stream }) => stream !== "write");
      return [
        { name: "good reads", value: share(reads, isGood), unit: "%", goal: { least: 99 } },
        { name: "p99 of reads", value: percentile(times(reads), 0.99), unit: "ms" },
        {
          name: "instances that answer as the second version",
          value: [0, 1].filter((instance) => switchedAt(answers, instance) < Infinity).length,
          unit: "instances",
          goal: { least: 2 },
        },
        {
          name: "answers of the second version without its field",
          value: answers.filter(
            ({ instance, at, isSecond }) => !isSecond && at > switchedAt(answers, instance),
          ).length,
          unit: "answers",
          goal: { most: 0 },
        },
        {
          name: "unmarked answers older than an acknowledged write and 1.5 s",
          value: versions.verdict(BOUND_MS).violations.length,
          unit: "reads",
          goal: { most: 0 },
        },
      ];
    } finally {
      await product.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

interface Seen {
  readonly instance: number;
  /** When the read began. */
  readonly at: number;
  readonly endedAt: number;
  readonly isSecond: boolean;
}

function watched(versions: Versions, instance: number, id: number, seen: Seen[]): Errand {
  const errand = versions.read(instance, id);
  return {
    ...errand,
    onAnswer(answer) {
      errand.onAnswer?.(answer);
      if (answer.status !== 200) return;
      const { startedAt: at, endedAt, body } = answer;
      seen.push({ instance, at, endedAt, isSecond: body.includes('"currency"') });
    },
  };
}

/** Returns when an instance first answered as the second version. */
function switchedAt(seen: readonly Seen[], instance: number): number {
  return Math.min(
    Infinity,
    ...seen
      .filter((each) => each.instance === instance && each.isSecond)
      .map(({ endedAt }) => endedAt),
  );
}

/** Makes two copies of the Worker, the second with the edits. */
function copies(root: string, folder: string): readonly [string, string] {
  const made = ["first", "second"].map((name) => {
    const copy = join(folder, name);
    mkdirSync(copy, { recursive: true });
    for (const part of [
      "src",
      "wrangler.toml",
      "package.json",
      "tsconfig.base.json",
      "tsconfig.json",
    ])
      cpSync(join(root, part), join(copy, part), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    return copy;
  });
  const [first = "", second = ""] = made;
  for (const { file, from, to } of EDITS) replaceIn(join(second, file), from, to);
  return [first, second];
}

function replaceIn(file: string, from: string, to: string): void {
  const text = readFileSync(file, "utf8");
  if (!text.includes(from)) throw new Error(`${file} does not have ${from}`);
  writeFileSync(
    file,
    text.replace(from, () => to),
  );
}

/** The configuration that `npm run dev` writes for the second instance. */
function furtherConfig(root: string, { port }: Product): string {
  return join(root, ".strata", String(port), "instance-2", "wrangler.json");
}
