import { expect, it } from "vitest";
import { CHECKS, REQUIREMENTS } from "./requirements.ts";

/** The document is made of the checks themselves: `vitest run -u test/conformance/table.test.ts` writes it. */
it("is what docs/http-requirements.md says", async () => {
  await expect(table()).toMatchFileSnapshot("../../docs/http-requirements.md");
});

it("names each requirement once", () => {
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
  return `# What is checked of the HTTP standards

Made of the checks in test/conformance, each of which runs as a test; ${rows.length} in all. "MUST NOT reuse …" reads:
the cache must not reuse it, and the check shows that it does not.

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
