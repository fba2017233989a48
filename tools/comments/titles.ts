import { readFileSync } from "node:fs";
import { parseSync, Visitor } from "oxc-parser";
import { filesOf } from "../check/files.ts";

/** The title of one test, or of one table of tests. */
export interface Title {
  readonly path: string;
  /** The text as the source has it: placeholders such as `%s` and `${name}` stay. */
  readonly text: string;
}

/** Methods of `it` and `test` that return the function that takes the title. */
const BEFORE_TITLE = new Set(["each", "for", "runIf", "skipIf"]);

type Node = { readonly type: string; readonly start: number; readonly end: number };

/**
 * Returns the titles in the `.test.ts` files under test, in the order of files and lines. Suites in
 * other files, such as test/tiers/contract.ts, are not read.
 *
 * @throws an Error naming the file when it does not parse.
 */
export function titlesOf(root: string): readonly Title[] {
  return filesOf(root, ["test/**/*.test.ts"]).flatMap((path) => {
    const code = readFileSync(`${root}/${path}`, "utf8");
    const { program, errors } = parseSync(path, code, { lang: "ts", sourceType: "module" });
    const [problem] = errors;
    if (problem !== undefined) throw new Error(`${path}: ${problem.message}`);
    const titles: Title[] = [];
    new Visitor({
      CallExpression({ callee, arguments: [first] }) {
        const text = first !== undefined && takesTitle(callee) ? textOf(first, code) : undefined;
        if (text !== undefined) titles.push({ path, text });
      },
    }).visit(program);
    return titles;
  });
}

/** Returns whether a call of `callee` defines tests: true for `it.each(…)`, false for `it.each`. */
function takesTitle(callee: Node): boolean {
  const root = rootOf(callee);
  if (root !== "it" && root !== "test") return false;
  const { property } = callee as Node & { property?: { name?: string } };
  return !BEFORE_TITLE.has(property?.name ?? "");
}

/** Returns the identifier at the beginning of a chain of members and calls: `it` for `it.each(…)`. */
function rootOf(node: Node): string | undefined {
  const { name, object, callee, tag } = node as Node & {
    name?: string;
    object?: Node;
    callee?: Node;
    tag?: Node;
  };
  const inner = object ?? callee ?? tag;
  return inner === undefined ? name : rootOf(inner);
}

/** Returns the text of a string or template, or undefined for another expression. */
function textOf(node: Node, code: string): string | undefined {
  const { value } = node as Node & { value?: unknown };
  if (node.type === "Literal" && typeof value === "string") return value;
  return node.type === "TemplateLiteral" ? code.slice(node.start + 1, node.end - 1) : undefined;
}
