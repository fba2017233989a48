import { readFileSync } from "node:fs";
import { parseSync, Visitor } from "oxc-parser";
import { IMPURE } from "./architecture.ts";

/** A piece of text and its line. */
export interface Found {
  readonly line: number;
  readonly text: string;
}

/** The facts about one source file that the rules need. */
export interface Source {
  readonly path: string;
  /** Every imported or re-exported specifier, including types and dynamic imports. */
  readonly imports: readonly Found[];
  /** Names or modules of another module that this file re-exports. */
  readonly reexports: readonly Found[];
  /** Reads of the clock or of randomness. */
  readonly impurities: readonly Found[];
  readonly comments: readonly Found[];
  /** Import expressions whose module is not a literal. */
  readonly unreadable: readonly Found[];
}

type Node = { readonly type: string; readonly start: number };

/** Returns the name of an identifier or of a string in brackets, otherwise undefined. */
function nameOf(node: Node): string | undefined {
  if (node.type === "Identifier") return (node as Node & { name: string }).name;
  if (node.type === "Literal") return String((node as Node & { value: unknown }).value);
  return undefined;
}

/** Returns the name of a global: `Date` for `Date`, `globalThis.Date` and `self.Date`. */
function globalName(node: Node): string | undefined {
  if (node.type !== "MemberExpression") return nameOf(node);
  const member = node as Node & { object: Node; property: Node };
  const object = nameOf(member.object);
  return object === "globalThis" || object === "self" ? nameOf(member.property) : undefined;
}

/**
 * Parses one TypeScript file.
 *
 * @throws an Error naming the file when it does not parse.
 */
export function readSource(root: string, path: string): Source {
  const code = readFileSync(`${root}/${path}`, "utf8");
  const result = parseSync(path, code, { lang: "ts", sourceType: "module" });
  const problem = result.errors[0];
  if (problem !== undefined) throw new Error(`${path}: ${problem.message}`);

  const imports: Found[] = [];
  const reexports: Found[] = [];
  const impurities: Found[] = [];
  const unreadable: Found[] = [];
  const imported = new Set<string>();
  const lineOf = (offset: number): number => code.slice(0, offset).split("\n").length;
  const found = (list: Found[], node: { start: number }, text: string): void => {
    list.push({ line: lineOf(node.start), text });
  };

  for (const statement of result.module.staticImports) {
    found(imports, statement, statement.moduleRequest.value);
    for (const entry of statement.entries) imported.add(entry.localName.value);
  }
  for (const statement of result.module.staticExports) {
    for (const entry of statement.entries) {
      const from = entry.moduleRequest?.value;
      const local = entry.localName.name;
      if (from !== undefined) found(imports, entry, from);
      if (from !== undefined) found(reexports, entry, from);
      else if (local !== null && imported.has(local)) found(reexports, entry, local);
    }
  }

  const member = (node: Node, object: Node, key: Node): void => {
    const owner = globalName(object);
    const name = nameOf(key);
    if (owner === undefined || name === undefined) return;
    if (IMPURE.members[owner]?.includes(name) === true) found(impurities, node, `${owner}.${name}`);
  };
  new Visitor({
    ImportExpression(node) {
      const { source } = node;
      if (source.type === "Literal" && typeof source.value === "string") {
        found(imports, node, source.value);
      } else found(unreadable, node, "import(…)");
    },
    TSImportType(node) {
      found(imports, node, node.source.value);
    },
    MemberExpression(node) {
      member(node, node.object, node.property);
    },
    VariableDeclarator(node) {
      if (node.id.type !== "ObjectPattern" || node.init === null) return;
      for (const property of node.id.properties) {
        if (property.type === "Property") member(property, node.init, property.key);
      }
    },
    NewExpression(node) {
      if (globalName(node.callee) === "Date" && node.arguments.length === 0) {
        found(impurities, node, "new Date()");
      }
    },
    CallExpression(node) {
      if (globalName(node.callee) === "Date") found(impurities, node, "Date()");
    },
  }).visit(result.program);

  const comments = result.comments.map((comment) => ({
    line: lineOf(comment.start),
    text: comment.value,
  }));
  return { path, imports, reexports, impurities, comments, unreadable };
}
