/** The sections and exports of src/index.ts. */
import { existsSync, readFileSync } from "node:fs";
import { join, normalize } from "node:path/posix";
import { parseSync } from "oxc-parser";
import { readDeclaration, type Declaration } from "./declarations.ts";

/** The exports under one `// Title: what they are for.` line of src/index.ts. */
export interface Section {
  readonly title: string;
  readonly purpose: string;
  readonly declarations: readonly Declaration[];
}

const INDEX = "src/index.ts";

export function readPublicApi(root: string): readonly Section[] {
  if (!existsSync(join(root, INDEX))) return [];
  const code = readFileSync(join(root, INDEX), "utf8");
  const { comments, module } = parseSync(INDEX, code, { lang: "ts", sourceType: "module" });
  const headings = comments.flatMap(({ type, value, start }) => {
    const match = type === "Line" ? /^ (\S[^:]*): (.+)$/.exec(value) : null;
    return match === null ? [] : [{ start, title: match[1] ?? "", purpose: match[2] ?? "" }];
  });
  const starts =
    headings.length > 0 ? headings : [{ start: 0, title: "Exports", purpose: "All of them." }];
  return starts.map(({ start, title, purpose }, at) => {
    const end = starts[at + 1]?.start ?? code.length;
    const declarations = module.staticExports
      .filter((statement) => statement.start >= start && statement.start < end)
      .flatMap(({ entries }) =>
        entries.flatMap(({ moduleRequest, importName }) =>
          moduleRequest === null || importName.name === null
            ? []
            : [readDeclaration(root, normalize(join("src", moduleRequest.value)), importName.name)],
        ),
      );
    return { title, purpose, declarations };
  });
}
