/**
 * `npm run check`: runs every `check:` script of package.json, also after one has failed. As many run at the
 * same time as there are processors. The output of each is printed in one piece when it has ended.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

interface Result {
  readonly passed: boolean;
  readonly seconds: number;
}

const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as {
  scripts: Readonly<Record<string, string>>;
};
const gates = Object.entries(scripts).filter(([name]) => name.startsWith("check:"));
const results = new Map<string, Result>();

async function run(name: string, script: string): Promise<void> {
  const began = performance.now();
  const child = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "pipe"] });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => output.push(chunk));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  console.log(`\n== ${name}\n${Buffer.concat(output).toString()}`.trimEnd());
  results.set(name, { passed: status === 0, seconds: (performance.now() - began) / 1000 });
}

const waiting = [...gates];
async function runWaiting(): Promise<void> {
  for (let gate = waiting.shift(); gate !== undefined; gate = waiting.shift()) await run(...gate);
}
await Promise.all(Array.from({ length: availableParallelism() }, runWaiting));

console.log("");
for (const [name] of gates) {
  const { passed = false, seconds = 0 } = results.get(name) ?? {};
  console.log(`${passed ? "ok    " : "FAILED"}  ${name}  ${seconds.toFixed(1)} s`);
}
process.exitCode = [...results.values()].every(({ passed }) => passed) ? 0 : 1;
