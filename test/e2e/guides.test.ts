/** The commands of the guides for operators, run against `npm run dev`. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { ROOT, variablesFile, type Product } from "./support/product.ts";
import { commandsOf, readDocument, type Command } from "./support/readme.ts";
import { products } from "./support/shared-products.ts";
import { until } from "./support/waiting.ts";

const GUIDES = ["deployment", "sizing", "checklist", "runbooks"];

/** Reasons in a comment for which a command is not run here. */
const NOT_HERE = /^(?:needs an account|needs promtool|takes minutes)$/;

const commands = (guide: string): readonly Command[] =>
  readDocument(`docs/operations/${guide}.md`)
    .blocks.filter(({ language }) => language === "sh")
    .flatMap(commandsOf);

let product: Product;
products.beforeAll(({ shopWithCron }) => void (product = shopWithCron));
// The figures of Redis come with a run of the cron handler.
beforeAll(async () => {
  const metrics = async (): Promise<string> => (await fetch(`${product.urls[0]}/metrics`)).text();
  await until(metrics, (text) => /^cache_redis_memory_usage_bytes \d/m.test(text), 30_000);
});

describe.each(GUIDES)("docs/operations/%s.md", (guide) => {
  const here = commands(guide).filter(({ comment }) => !NOT_HERE.test(comment));

  it(`each command of docs/operations/${guide}.md that needs no account prints what its comment says`, async () => {
    expect(here.length).toBeGreaterThan(0);
    for (const { text, comment } of here) {
      const output = await run(text);
      const promise = /^prints (.+)$/.exec(comment)?.[1];
      expect(promise === undefined ? comment : "", `${text} has a comment of no known form`).toBe(
        "",
      );
      if (promise !== undefined) expect(output, text).toContain(promise);
    }
  });
});

describe("the commands of the guides that are not run here", () => {
  const others = GUIDES.flatMap(commands).filter(({ comment }) => NOT_HERE.test(comment));

  it("the commands of the guides that are not run here are of wrangler, of a deployment, of another host, of promtool or of the trials under load, and each trial exists", () => {
    for (const { text } of others)
      expect(text).toMatch(
        /^(?:npx wrangler |npm run (?:deploy|db:migrate|chaos)\b|export DATABASE_URL=|curl -sI https:|promtool test rules )/,
      );
    const trials = others.flatMap(({ text }) =>
      text.startsWith("npm run chaos -- ") ? text.slice("npm run chaos -- ".length).split(" ") : [],
    );
    expect(trials.length).toBeGreaterThan(0);
    for (const name of trials)
      expect(existsSync(join(ROOT, `test/chaos/trials/${name}.ts`)), name).toBe(true);
  });
});

const execute = promisify(execFile);

/** Runs a command with the variables that the guides name. */
async function run(command: string): Promise<string> {
  const redis = Object.fromEntries(
    [
      ...readFileSync(variablesFile(product.port), "utf8").matchAll(/^(UPSTASH_\w+)='([^']*)'$/gm),
    ].map(([, name = "", value = ""]) => [name, value]),
  );
  const { stdout } = await execute("sh", ["-c", command], {
    cwd: ROOT,
    env: { ...process.env, ...redis, STRATA: product.urls[0], ADMIN_TOKEN: product.adminToken },
  });
  return stdout;
}
