/** The sections and exports of an entry of the package. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path/posix";
import { parseSync } from "oxc-parser";
import { entriesOf } from "../package/entries.ts";
import { readDeclaration, type Declaration } from "./declarations.ts";
import { parseDocComment } from "./doc-comment.ts";

/** The exports under one `// Title: what they are for.` line of src/index.ts. */
export interface Section {
  readonly title: string;
  readonly purpose: string;
  readonly declarations: readonly Declaration[];
}

/** An entry of the package that has one page. */
export interface EntryPage {
  readonly name: string;
  readonly source: string;
  /** The text of the comment at the beginning of the entry. */
  readonly purpose: string;
  readonly declarations: readonly Declaration[];
}

/** The entry `strata/worker`. Its exports are on one page for each section. */
export const INDEX = "src/index.ts";

export function readPublicApi(root: string): readonly Section[] {
  if (!existsSync(join(root, INDEX))) return [];
  const { code, comments, declarationsIn } = parseEntry(root, INDEX);
  const headings = comments.flatMap(({ type, value, start }) => {
    const match = type === "Line" ? /^ (\S[^:]*): (.+)$/.exec(value) : null;
    return match === null ? [] : [{ start, title: match[1] ?? "", purpose: match[2] ?? "" }];
  });
  const starts =
    headings.length > 0 ? headings : [{ start: 0, title: "Exports", purpose: "All of them." }];
  return starts.map(({ start, title, purpose }, at) => ({
    title,
    purpose,
    declarations: declarationsIn(start, starts[at + 1]?.start ?? code.length),
  }));
}

/** Reads the entries that package.json exports, without that of src/index.ts. */
export function readEntryPages(root: string): readonly EntryPage[] {
  return entriesOf(root)
    .filter(({ source }) => source !== INDEX)
    .map(({ name, source }) => {
      const { code, comments, declarationsIn } = parseEntry(root, source);
      const [first] = comments;
      const header = first?.type === "Block" && first.value.startsWith("*") ? first.value : "";
      const purpose = parseDocComment(header.slice(1)).text;
      return { name, source, purpose, declarations: declarationsIn(0, code.length) };
    });
}

function parseEntry(root: string, source: string) {
  const code = readFileSync(join(root, source), "utf8");
  const { comments, module } = parseSync(source, code, { lang: "ts", sourceType: "module" });
  /** Reads what the statements between two offsets export, under the names that they export. */
  const declarationsIn = (start: number, end: number): readonly Declaration[] =>
    module.staticExports
      .filter((statement) => statement.start >= start && statement.start < end)
      .flatMap(({ entries }) =>
        entries.flatMap(({ moduleRequest, importName, exportName }) => {
          if (moduleRequest === null || importName.name === null) return [];
          const file = normalize(join(dirname(source), moduleRequest.value));
          const declared = readDeclaration(root, file, importName.name);
          return [renamed(declared, exportName.name ?? importName.name)];
        }),
      );
  return { code, comments, declarationsIn };
}

function renamed(declaration: Declaration, name: string): Declaration {
  const { name: former, signature } = declaration;
  if (former === name) return declaration;
  return { ...declaration, name, signature: signature.replace(former, () => name) };
}
