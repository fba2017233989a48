/** The pages of docs/reference, and the table of options of README.md, in Markdown. */
import type { Declaration, Member } from "./declarations.ts";
import type { DocComment } from "./doc-comment.ts";
import type { Section } from "./public-api.ts";

const GENERATED =
  "<!-- Written by `npm run reference` from the doc comments of the exports of src/index.ts. -->";

export function fileOf({ title }: Section): string {
  return `${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}.md`;
}

/** The page that lists the other pages and every export. */
export function renderIndex(sections: readonly Section[]): string {
  const rows = sections.map((section) => {
    const names = section.declarations.map(
      ({ name }) => `[\`${name}\`](${fileOf(section)}#${name.toLowerCase()})`,
    );
    return `| [${section.title}](${fileOf(section)}) | ${capitalize(section.purpose)} | ${names.join(", ")} |`;
  });
  return page([
    "# Reference",
    'Everything that `src/index.ts` exports. Durations are milliseconds or texts such as `"5m"`.',
    ["| page | for | exports |", "|---|---|---|", ...rows].join("\n"),
  ]);
}

export function renderSection(section: Section): string {
  return page([
    `# ${section.title}`,
    capitalize(section.purpose),
    ...section.declarations.flatMap(renderDeclaration),
  ]);
}

/** The rows of the options with a default, for README.md. */
export function renderOptions(options: Declaration): string {
  const rows = options.members
    .filter(({ doc }) => doc.fallback !== undefined)
    .map(({ path, doc }) => `| \`${path}\` | ${cell(doc.fallback ?? "")} | ${cell(doc.text)} |`);
  return ["| option | default | meaning |", "|---|---|---|", ...rows].join("\n");
}

function renderDeclaration(declaration: Declaration): readonly string[] {
  const { name, file, doc, signature, members } = declaration;
  return [
    `## ${name}`,
    ...renderDoc(doc),
    `\`\`\`ts\n${signature}\n\`\`\``,
    ...renderMembers(members),
    ...doc.examples.map((example) => `\`\`\`ts\n${example}\n\`\`\``),
    ...members.flatMap(({ path, doc: memberDoc }) =>
      memberDoc.examples.map((example) => `\`${path}\`:\n\n\`\`\`ts\n${example}\n\`\`\``),
    ),
    `Source: [\`${file}\`](../../${file})`,
  ];
}

function renderDoc({ text, deprecated, parameters, throws, see }: DocComment): readonly string[] {
  return [
    ...(deprecated === undefined ? [] : [`**Deprecated.** ${deprecated}`]),
    ...(text === "" ? [] : [text]),
    ...parameters.map((each) => `Parameter ${each.replace(/^(\S+)/, "`$1`:")}`),
    ...throws.map((each) => `Throws: ${code(each)}`),
    ...see.map((each) => `See: ${each}`),
  ];
}

function renderMembers(members: readonly Member[]): readonly string[] {
  if (members.length === 0) return [];
  const hasDefaults = members.some(({ doc }) => doc.fallback !== undefined);
  const rows = members.map(({ path, type, optional, doc }) => {
    const name = `\`${path}${optional ? "?" : ""}\``;
    const fallback = hasDefaults ? ` ${cell(doc.fallback ?? "")} |` : "";
    const text = renderDoc({ ...doc, see: [] }).join(" ");
    return `| ${name} | \`${cell(type)}\` |${fallback} ${cell(text)} |`;
  });
  const head = hasDefaults
    ? ["| member | type | default | meaning |", "|---|---|---|---|"]
    : ["| member | type | meaning |", "|---|---|---|"];
  return [[...head, ...rows].join("\n")];
}

/** Text that fits into one cell of a table. */
function cell(text: string): string {
  return text.replaceAll(/\s+/g, " ").replaceAll("|", "\\|").trim();
}

/** `{Type}` of a `@throws` as code. */
function code(text: string): string {
  return text.replaceAll(/\s+/g, " ").replace(/^\{([^}]+)\}/, "`$1`");
}

function capitalize(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function page(parts: readonly string[]): string {
  return `${[GENERATED, ...parts].join("\n\n")}\n`;
}
