/**
 * `npm run reference` writes docs/reference, the table of options in README.md and the OpenAPI document.
 * `npm run check:reference` fails if one of them is not what the sources say, or if an export or a member of
 * one has no doc comment.
 */
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { finish } from "../check/report.ts";
import type { Declaration } from "./declarations.ts";
import type { DocComment } from "./doc-comment.ts";
import { readEntryPages, readPublicApi } from "./public-api.ts";
import { renderApiDocument } from "./api-document.ts";
import {
  fileOf,
  fileOfEntry,
  renderEntry,
  renderIndex,
  renderOptions,
  renderSection,
} from "./render.ts";
import { outdatedCopies } from "./viewer.ts";

const FOLDER = "docs/reference";
const README = "README.md";
const OPERATIONS = "src/api/operations";
const DOCUMENT = "src/dashboard/assets/reference/openapi.json";
const OPTIONS = /(?<=<!-- options -->\n)[\s\S]*?(?=<!-- end of options -->)/;

const root = process.cwd();
const sections = readPublicApi(root);
const entries = readEntryPages(root);
const files = new Map([
  [`${FOLDER}/README.md`, renderIndex(sections, entries)],
  ...entries.map((entry) => [`${FOLDER}/${fileOfEntry(entry)}`, renderEntry(entry)] as const),
  ...sections.map((section) => [`${FOLDER}/${fileOf(section)}`, renderSection(section)] as const),
]);
const options = sections
  .flatMap(({ declarations }) => declarations)
  .find(({ name }) => name === "StrataOptions");
const readme = read(README);
if (options !== undefined && readme !== undefined)
  files.set(
    README,
    readme.replace(OPTIONS, () => `${renderOptions(options)}\n`),
  );

const hasOperations = existsSync(join(root, OPERATIONS));
if (hasOperations) files.set(DOCUMENT, await renderApiDocument(root));

const surplus = globSync(`${FOLDER}/**/*.md`, { cwd: root }).filter((path) => !files.has(path));
/** The exports and the members without a doc comment, each once. */
const undocumented = new Set(
  [...sections, ...entries].flatMap(({ declarations }) =>
    declarations.flatMap((each) => [...bareExport(each), ...bareMembers(each)]),
  ),
);

function isBare({ text, deprecated }: DocComment): boolean {
  return text === "" && deprecated === undefined;
}

function bareExport({ file, name, doc }: Declaration): readonly string[] {
  return isBare(doc) ? [`${file}: ${name} has no doc comment`] : [];
}

function bareMembers({ file, name, members }: Declaration): readonly string[] {
  return (
    members
      // The members of an object say what the object holds.
      .filter(({ type, doc }) => type !== "object" && isBare(doc))
      .map(({ path }) => `${file}: ${name}.${path} has no doc comment`)
  );
}

function read(path: string): string | undefined {
  return existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : undefined;
}

if (process.argv.includes("--check")) {
  const outdated = [...files].filter(([path, text]) => read(path) !== text).map(([path]) => path);
  const copies = hasOperations ? outdatedCopies(root) : [];
  finish(
    "reference",
    [
      ...[...outdated, ...surplus].map(
        (path) => `${path} is not up to date: run npm run reference`,
      ),
      ...undocumented,
      ...copies.map((path) => `${path} is not that of the installed package: run npm run prepare`),
    ],
    `${files.size} files say what the sources say`,
  );
} else {
  for (const path of surplus) rmSync(join(root, path));
  for (const [path, text] of files) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}
