/**
 * `npm run reference` writes docs/reference, the table of options in README.md and the OpenAPI document.
 * `npm run check:reference` fails if one of them is not what the sources say.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { finish } from "../check/report.ts";
import { readPublicApi } from "./public-api.ts";
import { renderApiDocument } from "./api-document.ts";
import { fileOf, renderIndex, renderOptions, renderSection } from "./render.ts";
import { outdatedCopies } from "./viewer.ts";

const FOLDER = "docs/reference";
const README = "README.md";
const OPERATIONS = "src/api/operations";
const DOCUMENT = "src/dashboard/assets/reference/openapi.json";
const OPTIONS = /(?<=<!-- options -->\n)[\s\S]*?(?=<!-- end of options -->)/;

const root = process.cwd();
const sections = readPublicApi(root);
const files = new Map([
  [`${FOLDER}/README.md`, renderIndex(sections)],
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

const present = existsSync(join(root, FOLDER)) ? readdirSync(join(root, FOLDER)) : [];
const surplus = present.map((name) => `${FOLDER}/${name}`).filter((path) => !files.has(path));

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
