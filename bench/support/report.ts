/** The output of every benchmark: a table to read, and a file to process. */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";

const RESULTS = join(import.meta.dirname, "../results");

export type Row = Readonly<Record<string, string | number>>;

/** Formats rows as a Markdown table. The keys of the first row are the columns. */
function tableOf(rows: readonly Row[]): string {
  const names = Object.keys(rows[0] ?? {});
  const lines = rows.map((row) => names.map((name) => String(row[name] ?? "")));
  const widths = names.map((name, at) =>
    Math.max(name.length, ...lines.map((line) => (line[at] ?? "").length)),
  );
  const print = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [print(names), rule, ...lines.map(print)].join("\n");
}

/** Prints a table with its title. */
export function show(title: string, rows: readonly Row[]): void {
  console.log(`\n${title}\n\n${tableOf(rows)}`);
}

/** Writes `bench/results/<name>.json`, with a description of the machine. */
export function save(name: string, results: unknown): void {
  mkdirSync(RESULTS, { recursive: true });
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? "", cores: cpus().length };
  const text = JSON.stringify({ name, at: new Date().toISOString(), machine, results }, null, 2);
  writeFileSync(join(RESULTS, `${name}.json`), `${text}\n`);
}
