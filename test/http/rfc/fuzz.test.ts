import { describe, expect, it } from "vitest";
import { parseEntityTags } from "../../../src/http/rfc/conditional.ts";
import { parseDate } from "../../../src/core/http-date.ts";
import {
  parseDirectives,
  qualifyingNames,
  deltaSecondsOf,
} from "../../../src/http/rfc/directives.ts";
import { splitList } from "../../../src/http/rfc/fields.ts";
import { parseAge } from "../../../src/http/rfc/freshness.ts";
import { parseCacheGroups } from "../../../src/http/rfc/invalidation.ts";
import { parseContentRange, parseRange } from "../../../src/http/rfc/range.ts";
import { requestControlOf } from "../../../src/http/rfc/request-control.ts";
import { responseControlOf } from "../../../src/http/rfc/response-control.ts";
import { parseDictionary, parseList } from "../../../src/http/rfc/structured-fields.ts";
import { isPreferredLanguage, normalise, selectingNames } from "../../../src/http/rfc/vary.ts";

const NOW = Date.UTC(2026, 10, 21);
const only = (value: string) => ({ get: () => value });

const PARSERS: Readonly<Record<string, (value: string) => unknown>> = {
  splitList,
  parseDirectives,
  deltaSecondsOf: (value) => deltaSecondsOf(parseDirectives(value), "max-age"),
  qualifyingNames: (value) => qualifyingNames(parseDirectives(value), "private"),
  responseControlOf: (value) => responseControlOf(only(value)),
  requestControlOf: (value) => requestControlOf(only(value)),
  parseDictionary,
  parseList,
  parseDate: (value) => parseDate(value, NOW),
  parseAge,
  parseCacheGroups,
  parseEntityTags,
  parseRange,
  parseContentRange,
  selectingNames,
  normalise: (value) => normalise("accept-language", value),
  isPreferredLanguage: (value) => isPreferredLanguage(value, value),
};

/** Pieces of field values, and characters that break parsers. */
const PIECES = [
  ...Array.from("=,;\"\\ \t()-:*?@%/.'0123456789aZ\u0000\u007f\u00e9\ud83d"),
  "max-age=",
  "s-maxage",
  "no-cache",
  'private="',
  "stale-while-revalidate=",
  '"a"',
  'W/"',
  "bytes=",
  "bytes ",
  "0-9",
  "Thu, 01 Jan 2099 00:00:00 GMT",
  "Friday, 01-Jan-38 ",
  "Jan  1 ",
  " GMT",
  "00:00:00",
  ";q=0.5",
  "q=",
  "en-US",
  "?1",
  ":YQ==:",
  "9".repeat(20),
  "\r\n",
];

/** A seeded random generator: xorshift, 32 bits. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function valueOf(random: () => number): string {
  let value = "";
  for (let left = Math.floor(random() * 12); left >= 0; left--)
    value += PIECES[Math.floor(random() * PIECES.length)] ?? "";
  return value;
}

const VALUES = 60_000;

describe.each(Object.entries(PARSERS))("%s", (name, parse) => {
  it(
    `${name}() reads ${VALUES} fuzzed field values and throws no error`,
    { timeout: 60_000 },
    () => {
      const thrown: string[] = [];
      const random = createRandom(name.length * 7_919 + 1);
      for (let i = 0; i < VALUES; i++) {
        const value = valueOf(random);
        try {
          parse(value);
        } catch (error) {
          thrown.push(`${JSON.stringify(value)}: ${String(error)}`);
        }
      }
      expect(thrown).toEqual([]);
    },
  );

  it.each([
    ",",
    '"',
    "\\",
    " ",
    "a",
    "a,",
    '"a",',
    "(",
    "a;",
    "a=1,",
    '"\\"',
    ";q=1,",
    "0",
    "W/",
    'a="',
    " ,",
    "*",
  ])(
    `${name}() takes linear time for a long field value that repeats %j`,
    { timeout: 60_000 },
    (piece) => {
      const short = piece.repeat(4_000 / piece.length);
      const long = piece.repeat(64_000 / piece.length);
      // The long value has 16 times the length: a quadratic parser takes 256 times as long.
      // A busy machine makes a run longer, never shorter, so the best of ten attempts counts.
      let ratio = Infinity;
      for (let attempt = 0; attempt < 10 && ratio >= 100; attempt++)
        ratio = Math.min(
          ratio,
          fastest(() => parse(long), 1) / Math.max(fastest(() => parse(short), 16) / 16, 0.02),
        );
      expect(ratio).toBeLessThan(100);
    },
  );
});

function fastest(run: () => unknown, times: number): number {
  let best = Infinity;
  for (let attempt = 0; attempt < 3; attempt++) {
    const startedAt = performance.now();
    for (let i = 0; i < times; i++) run();
    best = Math.min(best, performance.now() - startedAt);
  }
  return best;
}
