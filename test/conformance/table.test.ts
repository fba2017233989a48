import { expect, it } from "vitest";
import { CHECKS, REQUIREMENTS } from "./requirements.ts";

/** `vitest run -u test/conformance/table.test.ts` writes the document. */
it("docs/http-requirements.md lists exactly the HTTP requirements that have a check in test/conformance", async () => {
  await expect(table()).toMatchFileSnapshot("../../docs/http-requirements.md");
});

it("no two HTTP requirements in test/conformance have the same RFC, section, level and rule", () => {
  const names = REQUIREMENTS.map(
    ({ rfc, section, rule, level }) => `${rfc} ${section} ${level} ${rule}`,
  );
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

function table(): string {
  const rows = Object.entries(CHECKS).flatMap(([file, checks]) =>
    checks.map(({ rfc, section, level, rule }) => ({
      rfc,
      section,
      row: `| ${rfc}, ${section} | ${level} | ${escaped(rule)} | [${file}](../test/conformance/${file}) |`,
    })),
  );
  const sorted = rows.toSorted(
    (one, other) =>
      one.rfc - other.rfc || one.section.localeCompare(other.section, "en", { numeric: true }),
  );
  return `# HTTP requirements that are checked

This table is made from the checks in test/conformance. Each of the ${rows.length} rows runs as a test. "MUST NOT reuse …"
means: the cache must not reuse the response, and the check shows that it does not.

| RFC, section | level | the cache … | check |
|---|---|---|---|
${sorted.map(({ row }) => row).join("\n")}
`;
}

function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\\\")
    .replaceAll("|", "\\|")
    .replaceAll("*", "\\*")
    .replaceAll("<", "&lt;");
}
