/** `npm run check:language`: comments use the words of docs/glossary.md, and begin with a thing in the code. */
import { filesOf } from "./files.ts";
import { finish } from "./report.ts";
import { readSource } from "./source.ts";

/** The words that the glossary replaced, each with the word to use. */
const REPLACED: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\btowers?\b/iu, "flight harness"],
  [/\bspokesm[ae]n\b/iu, "reported lookup"],
  [/\bpumps?\b/iu, "flush loop"],
  [/\bkeepers?\b/iu, "entry store"],
  [/\bcompany\b/iu, "batch request"],
  [/\bunshared\b/iu, "hit-for-miss marker"],
  [/\bwatchers?\b/iu, "request observer"],
  // The verb stays free: an eviction hand walks a list.
  [/\b(?:a|the|an?other|one|own|each|every|this|that|same|running) walks?\b(?!-)/iu, "lookup"],
];

/** Comment lines of src that may begin with one of OPENERS instead of a subject. */
const MAX_OPENERS = 25;
const OPENERS = /^(?:Who|What|Whose|Whoever|Nobody|Nothing)\b/u;

const root = process.cwd();
const files = filesOf(root, ["**/*.ts"]);
const problems: string[] = [];
const openings: string[] = [];
for (const path of files) {
  for (const { line, text } of readSource(root, path).comments) {
    for (const [offset, written] of text.split("\n").entries()) {
      const place = `${path}:${line + offset}`;
      const sentence = written.replace(/^[\s*]+/u, "");
      for (const [pattern, instead] of REPLACED) {
        const word = pattern.exec(sentence)?.[0];
        if (word !== undefined) {
          problems.push(`${place} language: "${word}" is an old name; write "${instead}"`);
        }
      }
      if (path.startsWith("src/") && OPENERS.test(sentence)) openings.push(`${place} ${sentence}`);
    }
  }
}
if (openings.length > MAX_OPENERS) {
  problems.push(
    ...openings,
    `src language: ${openings.length} comment lines begin with Who, What, Whose, Whoever, Nobody or Nothing, ${MAX_OPENERS} may; begin with a thing in the code`,
  );
}

finish(
  "language",
  problems,
  `${openings.length} of ${MAX_OPENERS} indirect openings in src, no old name in ${files.length} files`,
);
