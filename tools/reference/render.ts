/** The pages of docs/reference, and the table of options of README.md, in Markdown. */
import type { Declaration, Member } from "./declarations.ts";
import type { DocComment } from "./doc-comment.ts";
import { INDEX, type EntryPage, type Section } from "./public-api.ts";

const generatedFrom = (source: string): string =>
  `<!-- Written by \`npm run reference\` from the doc comments of the exports of ${source}. -->`;

export function fileOf({ title }: Section): string {
  return `${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}.md`;
}

/** Returns the path of the page of an entry: `entries/hono.md` for `strata/hono`. */
export function fileOfEntry({ name }: EntryPage): string {
  return `entries/${name.slice(name.indexOf("/") + 1)}.md`;
}

/** The page that lists the other pages and every export. */
export function renderIndex(sections: readonly Section[], entries: readonly EntryPage[]): string {
  const table = (rows: readonly string[]): string =>
    ["| page | for | exports |", "|---|---|---|", ...rows].join("\n");
  const ofSections = sections.map(
    (section) =>
      `| [${section.title}](${fileOf(section)}) | ${capitalize(section.purpose)} | ${linksTo(fileOf(section), section.title, section)} |`,
  );
  const ofEntries = entries.map(
    (entry) =>
      `| [\`${entry.name}\`](${fileOfEntry(entry)}) | ${cell(withoutName(entry))} | ${linksTo(fileOfEntry(entry), entry.name, entry)} |`,
  );
  const whole = `Everything that \`${INDEX}\` exports. Durations are milliseconds or texts such as \`"5m"\`.`;
  if (entries.length === 0) return page(INDEX, ["# Reference", whole, table(ofSections)]);
  return page("every entry of the package", [
    "# Reference",
    'Every export of every entry of the [package](../package.md). Durations are milliseconds or texts such as `"5m"`.',
    "## Entries",
    table(ofEntries),
    "## The entry `strata/worker`",
    table(ofSections),
  ]);
}

function linksTo(
  file: string,
  title: string,
  { declarations }: Pick<Section, "declarations">,
): string {
  const anchors = anchorsOf([title, ...declarations.map(({ name }) => name)]).slice(1);
  return declarations.map(({ name }, at) => `[\`${name}\`](${file}#${anchors[at]})`).join(", ");
}

/**
 * Returns the anchors that GitHub gives the headings of one page, in their order. A heading that differs from
 * an earlier one only in case gets a number.
 */
function anchorsOf(headings: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  return headings.map((heading) => {
    const anchor = heading
      .toLowerCase()
      .replaceAll(/[^a-z0-9 _-]/g, "")
      .replaceAll(" ", "-");
    const count = counts.get(anchor) ?? 0;
    counts.set(anchor, count + 1);
    return count === 0 ? anchor : `${anchor}-${count}`;
  });
}

/** Returns what an entry is for, without the words that name it. */
function withoutName({ name, purpose }: EntryPage): string {
  const prefix = `The entry \`${name}\`: `;
  return capitalize(purpose.startsWith(prefix) ? purpose.slice(prefix.length) : purpose);
}

export function renderSection(section: Section): string {
  return page(INDEX, [
    `# ${section.title}`,
    capitalize(section.purpose),
    ...section.declarations.flatMap((each) => renderDeclaration(each, "../..")),
  ]);
}

export function renderEntry(entry: EntryPage): string {
  return page(entry.source, [
    `# ${entry.name}`,
    withoutName(entry),
    ...entry.declarations.flatMap((each) => renderDeclaration(each, "../../..")),
  ]);
}

/** The rows of the options with a default, for README.md. */
export function renderOptions(options: Declaration): string {
  const rows = options.members
    .filter(({ doc }) => doc.fallback !== undefined)
    .map(({ path, doc }) => `| \`${path}\` | ${cell(doc.fallback ?? "")} | ${cell(doc.text)} |`);
  return ["| option | default | meaning |", "|---|---|---|", ...rows].join("\n");
}

/** Renders an export, with a link to its source from a page whose way to the root of the repository is `root`. */
function renderDeclaration(declaration: Declaration, root: string): readonly string[] {
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
    `Source: [\`${file}\`](${root}/${file})`,
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

function page(source: string, parts: readonly string[]): string {
  return `${[generatedFrom(source), ...parts].join("\n\n")}\n`;
}
