/** `npm run check:imports`: applies the tables of architecture.ts to the sources under the working directory. */
import { existsSync } from "node:fs";
import { IMPURE, NAMELESS, PACKAGES, REEXPORTERS, ROOMS, TREES } from "./architecture.ts";
import { filesOf } from "./files.ts";
import { cycles, resolveRelative } from "./graph.ts";
import { finish } from "./report.ts";
import type { Source } from "./source.ts";
import { readSource } from "./source.ts";

const root = process.cwd();
const problems: string[] = [];
const graph = new Map<string, readonly string[]>();

/** Returns the place of a file of src: its room, or the file itself if it is in src directly. */
function placeOf(inSrc: string): string {
  return inSrc.includes("/") ? inSrc.slice(0, inSrc.indexOf("/")) : inSrc;
}

/**
 * Tests whether a file (relative to src) is in one of the places. "redis/client.ts" is a file,
 * "http/rfc" a folder.
 */
function liesIn(inSrc: string, places: readonly string[]): boolean {
  return places.some(
    (place) => inSrc === place || inSrc === `${place}.ts` || inSrc.startsWith(`${place}/`),
  );
}

function packageOf(specifier: string): string {
  if (specifier.includes(":")) return specifier;
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

function checkNames(path: string): void {
  for (const part of path.split("/")) {
    if (NAMELESS.some((name) => part === name || part === `${name}.ts`)) {
      problems.push(`${path} no-utils: "${part}" says nothing; name the file for its idea`);
    }
  }
}

function checkReexports(source: Source): void {
  if (REEXPORTERS.some((place) => source.path.startsWith(place))) return;
  for (const { line, text } of source.reexports) {
    problems.push(
      `${source.path}:${line} no-barrels: re-exports ${text}; only ${REEXPORTERS.join(" and ")} may`,
    );
  }
}

function checkPurity(source: Source, inSrc: string): void {
  if (liesIn(inSrc, IMPURE.places)) return;
  for (const { line, text } of source.impurities) {
    problems.push(
      `${source.path}:${line} purity: ${text} only in ${IMPURE.places.join(" and ")}; take a Clock or a Random`,
    );
  }
}

function checkRooms(source: Source, inSrc: string): void {
  const place = placeOf(inSrc);
  const allowed = ROOMS[place];
  if (allowed === undefined) {
    problems.push(`${source.path} rooms: "${place}" is not a room; list it in architecture.ts`);
    return;
  }
  for (const { line, text } of source.imports) {
    if (text.startsWith(".")) {
      const target = resolveRelative(source.path, text);
      const targetInSrc = target.slice("src/".length);
      if (!target.startsWith("src/")) {
        problems.push(`${source.path}:${line} rooms: src may not import ${target}`);
      } else if (!liesIn(targetInSrc, [place, ...allowed])) {
        problems.push(`${source.path}:${line} rooms: ${place} may not import ${targetInSrc}`);
      }
    } else {
      const name = packageOf(text);
      const places = PACKAGES[name];
      if (places === undefined) {
        problems.push(
          `${source.path}:${line} packages: ${name} has no place; list it in architecture.ts`,
        );
      } else if (!liesIn(inSrc, places)) {
        problems.push(
          `${source.path}:${line} packages: ${name} only in ${places.join(", ")}, not in ${place}`,
        );
      }
    }
  }
}

const files = filesOf(
  root,
  TREES.map((tree) => `${tree}/**/*.ts`),
);
for (const path of files) {
  const source = readSource(root, path);
  const targets = source.imports
    .filter(({ text }) => text.startsWith("."))
    .map(({ line, text }) => ({ line, text, target: resolveRelative(path, text) }));
  for (const { line, text, target } of targets) {
    if (!existsSync(`${root}/${target}`)) {
      problems.push(`${path}:${line} resolve: ${text} names no file`);
    }
  }
  graph.set(
    path,
    targets.map(({ target }) => target),
  );
  checkNames(path);
  checkReexports(source);
  if (!path.startsWith("src/")) continue;
  const inSrc = path.slice("src/".length);
  for (const { line, text } of source.unreadable) {
    problems.push(`${path}:${line} rooms: ${text} must name its module by a literal`);
  }
  checkRooms(source, inSrc);
  checkPurity(source, inSrc);
}
for (const circle of cycles(graph)) {
  problems.push(`${circle[0]} no-cycles: ${circle.join(" -> ")}`);
}

finish("imports", problems, `${files.length} files follow the rules of architecture.ts`);
