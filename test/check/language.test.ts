import { expect, test } from "vitest";
import { plant } from "./planted-project.ts";

/** Returns a file with this number of comment lines that begin with "What". */
function withOpenings(count: number): string {
  const lines = Array.from(
    { length: count },
    (_, at) => `/** What ${at} is. */\nexport const n${at} = ${at};\n`,
  );
  return lines.join("");
}

test("`npm run check:language` passes in a project without old names in its comments", () => {
  using project = plant();
  expect(project.run("check:language")).toMatchObject({ passed: true });
});

test.each([
  ["tower", "/** The tower of flights. */", "flight harness"],
  ["spokesman", "// Each reader has a spokesman.", "reported lookup"],
  ["pump", "/**\n * Sends records.\n *\n * The pump stops at the deadline.\n */", "flush loop"],
  ["a walk", "/** Starts a walk through the tiers. */", "lookup"],
])(
  '`npm run check:language` fails for the old name "%s" in a comment, and states the new name',
  (word, comment, instead) => {
    using project = plant({ "src/core/odd.ts": `${comment}\nexport const odd = 1;\n` });
    const { passed, output } = project.run("check:language");
    expect(passed).toBe(false);
    expect(output).toMatch(/^src\/core\/odd\.ts:\d+ language: /mu);
    expect(output).toContain(`"${word}" is an old name; write "${instead}"`);
  },
);

test("`npm run check:language` reports the exact line of an old name in a comment of several lines", () => {
  using project = plant({
    "src/core/odd.ts": "/**\n * Sends records.\n * The pump stops.\n */\nexport const odd = 1;\n",
  });
  expect(project.run("check:language").output).toContain("src/core/odd.ts:3 language");
});

test("`npm run check:language` accepts an old name in code, and the verb `walks` in a comment", () => {
  using project = plant({
    "src/core/odd.ts": "/** The hand walks from old to new. */\nexport const tower = 1;\n",
  });
  expect(project.run("check:language")).toMatchObject({ passed: true });
});

test("`npm run check:language` accepts 25 comment lines in src that begin with `What`, and rejects 26", () => {
  using sound = plant({ "src/core/odd.ts": withOpenings(25) });
  expect(sound.run("check:language")).toMatchObject({ passed: true });
  using project = plant({ "src/core/odd.ts": withOpenings(26) });
  const { passed, output } = project.run("check:language");
  expect(passed).toBe(false);
  expect(output).toContain("src/core/odd.ts:1 What 0 is.");
  expect(output).toContain("26 comment lines begin with");
});
