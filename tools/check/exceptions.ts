/** `npm run check:lint`, second half: an exception in the code carries its reason beside it. */
import { filesOf } from "./files.ts";
import { finish } from "./report.ts";
import { readSource } from "./source.ts";

/** How an exception is written, and what must follow it. Bare `@ts-expect-error` is oxlint's to refuse. */
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
