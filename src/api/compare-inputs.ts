/** The input of `GET /admin/compare`. */
import * as z from "zod/mini";
import type { Candidate } from "../index.ts";

const MAX_KIND = 64;
/** The most settings of one candidate. If one comes twice, the last one counts. */
const MAX_SETTINGS = 10;

const DURATION = "[1-9]\\d{0,5}(?:ms|s|m|h|d)";
const SETTING = `(?:${[
  "eviction=(?:sieve|lru|lfu|fifo|random|ttl)",
  "maxBytes=[1-9]\\d{0,8}",
  "maxEntries=[1-9]\\d{0,5}",
  `freshFor=${DURATION}`,
  `(?:staleWhileRevalidate|negativeFor)=(?:0ms|${DURATION})`,
].join("|")})`;
const CANDIDATE = new RegExp(`^(?:current|${SETTING}(?:,${SETTING}){0,${MAX_SETTINGS - 1}})$`);

const Settings = z
  .string("is required: `current`, or settings such as `eviction=lru,maxBytes=16000000`")
  .check(
    z.regex(
      CANDIDATE,
      "must be `current`, or settings with commas between: eviction, maxBytes, maxEntries, freshFor, staleWhileRevalidate, negativeFor",
    ),
  );

export const CompareQuery = z.strictObject({
  kind: z
    .string("is required: the first part of a key")
    .check(
      z.maxLength(MAX_KIND, `at most ${MAX_KIND} characters`),
      z.regex(/^[!-9;-~]+$/, "must be the first part of a key, such as `product`"),
    ),
  a: Settings,
  b: Settings,
});

/** Returns the settings that a text names. The text has matched the schema. */
export function candidateOf(text: string): Candidate {
  if (text === "current") return {};
  const fields = text.split(",").map((setting) => {
    const [name = "", value = ""] = setting.split("=");
    return [name, name.startsWith("max") ? Number(value) : value] as const;
  });
  return Object.fromEntries(fields) as Candidate;
}
