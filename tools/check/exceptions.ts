/** `npm run check:lint`, second half: every exception in the code must give its reason. */
import { filesOf } from "./files.ts";
import { finish } from "./report.ts";
import { readSource } from "./source.ts";

/**
 * How an exception is written, and the reason that must follow it. oxlint itself rejects a bare
 * `@ts-expect-error`.
 */
const EXCEPTIONS = [
  {
    written: /^[\s*]*(?:oxlint|eslint)-disable/u,
    reasoned: /\s--\s+\S.{9,}/u,
    form: "-- <reason>",
  },
  { written: /^[\s*]*(?:oxfmt|prettier)-ignore/u, reasoned: /:\s+\S.{9,}/u, form: ": <reason>" },
  { written: /@public\b/u, reasoned: /@public\s+\S.{9,}/u, form: "@public <reason>" },
] as const;

const files = filesOf(process.cwd(), ["**/*.ts"]);
const problems: string[] = [];
let count = 0;
for (const path of files) {
  for (const { line, text } of readSource(process.cwd(), path).comments) {
    for (const { written, reasoned, form } of EXCEPTIONS) {
      if (!written.test(text)) continue;
      count += 1;
      if (!reasoned.test(text)) {
        problems.push(`${path}:${line} exceptions: give the reason, as in "${form}"`);
      }
    }
  }
}

finish("exceptions", problems, `${count} in ${files.length} files, each with its reason`);
