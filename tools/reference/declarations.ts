/** The declarations of one source file: their signatures, members and doc comments. */
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path/posix";
import { parseSync, type Comment, type Program } from "oxc-parser";
import { NO_COMMENT, parseDocComment, type DocComment } from "./doc-comment.ts";

/** A member of an interface or a class; a member of a nested object has a path such as `memory.maxBytes`. */
export interface Member {
  readonly path: string;
  /** The text of its type, or its signature if it is a method. */
  readonly type: string;
  readonly optional: boolean;
  readonly doc: DocComment;
}

export interface Declaration {
  readonly name: string;
  readonly kind: "function" | "class" | "interface" | "type" | "constant";
  readonly file: string;
  readonly signature: string;
  readonly doc: DocComment;
  readonly members: readonly Member[];
}

type Statement = Program["body"][number];
type Node = { readonly start: number; readonly end: number };

interface Parsed {
  readonly code: string;
  readonly comments: readonly Comment[];
  readonly body: readonly Statement[];
  /** The file that each imported name comes from. */
  readonly imports: ReadonlyMap<string, string>;
}

/** Reads the declaration of a name. @throws an Error if the file does not declare it. */
export function readDeclaration(root: string, file: string, name: string): Declaration {
  const parsed = parse(root, file);
  for (const statement of parsed.body) {
    const declared =
      statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    const found = declared && describe(root, parsed, statement, declared, file, name);
    if (found) return found;
  }
  throw new Error(`${file} does not declare ${name}`);
}

function parse(root: string, file: string): Parsed {
  const code = readFileSync(join(root, file), "utf8");
  const { program, comments, module } = parseSync(file, code, { lang: "ts", sourceType: "module" });
  const imports = new Map<string, string>();
  for (const { moduleRequest, entries } of module.staticImports)
    for (const { localName } of entries)
      if (moduleRequest.value.startsWith("."))
        imports.set(localName.value, normalize(join(dirname(file), moduleRequest.value)));
  return { code, comments, body: program.body, imports };
}

function describe(
  root: string,
  parsed: Parsed,
  statement: Statement,
  declared: object & { readonly type: string },
  file: string,
  name: string,
): Declaration | undefined {
  const { code } = parsed;
  const doc = docOf(parsed, statement);
  const text = (from: number, to: number): string => code.slice(from, to).trim();
  const node = declared as Statement;
  const base = { name, file, doc };
  if (node.type === "FunctionDeclaration" && node.id?.name === name) {
    const signature = text(node.start, node.body?.start ?? node.end);
    return { ...base, kind: "function", signature, members: [] };
  }
  if (node.type === "ClassDeclaration" && node.id?.name === name) {
    const members = node.body.body.flatMap((member) =>
      member.type === "PropertyDefinition" && member.accessibility !== "private"
        ? [memberOf(parsed, member, "", member.typeAnnotation)]
        : [],
    );
    return { ...base, kind: "class", signature: text(node.start, node.body.start), members };
  }
  if (node.type === "TSInterfaceDeclaration" && node.id.name === name) {
    const own = membersOf(parsed, node.body.body, "");
    const inherited = node.extends.flatMap(({ expression, typeArguments }) =>
      expression.type === "Identifier"
        ? basesOf(code, expression.name, typeArguments?.params ?? []).flatMap(({ base, keeps }) =>
            inheritedOf(root, parsed, file, base).filter(({ path }) => keeps(path)),
          )
        : [],
    );
    const signature = text(node.start, node.body.start);
    return { ...base, kind: "interface", signature, members: [...own, ...inherited] };
  }
  if (node.type === "TSTypeAliasDeclaration" && node.id.name === name)
    return { ...base, kind: "type", signature: text(node.start, node.end), members: [] };
  if (node.type === "VariableDeclaration") {
    const [variable] = node.declarations;
    if (variable?.id.type === "Identifier" && variable.id.name === name)
      return { ...base, kind: "constant", signature: `const ${name}`, members: [] };
  }
  return undefined;
}

interface Base {
  readonly base: string;
  /** Whether an interface gets the member with this path from the base. */
  keeps(path: string): boolean;
}

/** Returns the interface that `Name`, `Pick<Name, …>` or `Omit<Name, …>` takes members from. */
function basesOf(code: string, name: string, parameters: readonly Node[]): readonly Base[] {
  const [of, names] = parameters.map(({ start, end }) => code.slice(start, end));
  if (of === undefined || names === undefined || (name !== "Pick" && name !== "Omit"))
    return [{ base: name, keeps: () => true }];
  const named = new Set([...names.matchAll(/"([^"]+)"/g)].map(([, each]) => each));
  const isNamed = (path: string): boolean => named.has(path.replace(/\..*$/s, ""));
  return [{ base: of, keeps: (path) => isNamed(path) === (name === "Pick") }];
}

/** The members of a base interface, if this repository declares it. */
function inheritedOf(root: string, parsed: Parsed, file: string, name: string): readonly Member[] {
  const declaredHere = parsed.body.some((statement) => {
    const declared =
      statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    return declared?.type === "TSInterfaceDeclaration" && declared.id.name === name;
  });
  const home = declaredHere ? file : parsed.imports.get(name);
  return home === undefined ? [] : readDeclaration(root, home, name).members;
}

type Signature = Extract<Statement, { type: "TSInterfaceDeclaration" }>["body"]["body"][number];
type Annotation = { readonly typeAnnotation: Node & { readonly type: string } } | null | undefined;

function membersOf(parsed: Parsed, body: readonly Signature[], path: string): readonly Member[] {
  return body.flatMap((member) => {
    if (member.type === "TSMethodSignature")
      return member.computed ? [] : [memberOf(parsed, member, path, undefined)];
    if (member.type !== "TSPropertySignature" || member.computed) return [];
    const own = memberOf(parsed, member, path, member.typeAnnotation);
    const type = member.typeAnnotation?.typeAnnotation;
    return type?.type === "TSTypeLiteral"
      ? [{ ...own, type: "object" }, ...membersOf(parsed, type.members, `${own.path}.`)]
      : [own];
  });
}

function memberOf(
  parsed: Parsed,
  member: Node & { readonly key: Node; readonly optional?: boolean },
  path: string,
  annotation: Annotation,
): Member {
  const { code } = parsed;
  const name = code.slice(member.key.start, member.key.end);
  const type =
    annotation === undefined || annotation === null
      ? code.slice(member.key.end, member.end)
      : code.slice(annotation.typeAnnotation.start, annotation.typeAnnotation.end);
  return {
    path: `${path}${name}`,
    type: type.replace(/;$/, "").replaceAll(/\s+/g, " "),
    optional: member.optional === true,
    doc: docOf(parsed, member),
  };
}

/** The doc comment that ends where the node begins. */
function docOf({ code, comments }: Parsed, node: Node): DocComment {
  const before = comments.findLast(
    ({ type, value, end }) => type === "Block" && value.startsWith("*") && end <= node.start,
  );
  if (before === undefined || code.slice(before.end, node.start).trim() !== "") return NO_COMMENT;
  return parseDocComment(before.value.slice(1));
}
