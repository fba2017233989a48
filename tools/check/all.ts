/** `npm run check`: runs every `check:` script of package.json, also after one has failed. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as {
  scripts: Readonly<Record<string, string>>;
};
const results = Object.entries(scripts)
  .filter(([name]) => name.startsWith("check:"))
  .map(([name, script]) => {
    console.log(`\n== ${name}`);
    const began = performance.now();
    const { status } = spawnSync("sh", ["-c", script], { stdio: "inherit" });
    return { name, passed: status === 0, seconds: (performance.now() - began) / 1000 };
  });

console.log("");
for (const { name, passed, seconds } of results) {
  console.log(`${passed ? "ok    " : "FAILED"}  ${name}  ${seconds.toFixed(1)} s`);
}
process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;
