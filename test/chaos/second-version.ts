import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The edits that make the second version: a shorter lifetime, and a field that its schema demands. */
const EDITS = [
  {
    file: "src/api/kinds.ts",
    from: "definePolicy(CATALOGUE.product)",
    to: `definePolicy({
    ...CATALOGUE.product,
    freshFor: "30m",
    schema: {
      "~standard": {
        validate: (value: unknown) =>
          typeof value === "object" && value !== null && "currency" in value
            ? { value }
            : { issues: [{ message: "no currency" }] },
      },
    },
  })`,
  },
  {
    file: "src/api/queries.ts",
    from: "return { ...row, updatedAt",
    to: 'return { ...row, currency: "EUR", updatedAt',
  },
] as const;

/**
 * Copies the Worker of `root` into a folder and makes the edits. Returns the folder. Throws if a source no longer has
 * the text that an edit replaces.
 */
export function copySecondVersion(root: string, folder: string): string {
  mkdirSync(folder, { recursive: true });
  for (const part of [
    "src",
    "wrangler.toml",
    "package.json",
    "tsconfig.base.json",
    "tsconfig.json",
  ])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  for (const { file, from, to } of EDITS) replaceIn(join(folder, file), from, to);
  return folder;
}

function replaceIn(file: string, from: string, to: string): void {
  const text = readFileSync(file, "utf8");
  if (!text.includes(from)) throw new Error(`${file} does not have ${from}`);
  writeFileSync(
    file,
    text.replace(from, () => to),
  );
}
