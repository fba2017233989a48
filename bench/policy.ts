/**
 * Measures the decisions of the HTTP cache for a hit and for a miss, in microseconds and as ratios
 * to each other.
 */
import { DEFAULT_CREDENTIAL_HEADERS, sharingRules } from "../src/http/cache/sharing-rules.ts";
import { decideStorage } from "../src/http/cache/storage-decision.ts";
import { readerOf } from "../src/http/rfc/fields.ts";
import { requestControlOf } from "../src/http/rfc/request-control.ts";
import { isNotModified } from "../src/http/rfc/conditional.ts";
import { freshnessForRequest } from "../src/http/rfc/reuse.ts";
import { selectVariant } from "../src/http/cache/variants.ts";
import { selectorsOf } from "../src/http/rfc/vary.ts";
import { save, show, type Row } from "./support/report.ts";
import { medianNsPerOp, type Contender } from "./support/time.ts";

const TIMES = 50_000;
const ROUNDS = 9;
const NOW = Date.UTC(2026, 10, 21, 12);

const plain = new Headers({ Accept: "*/*", "User-Agent": "bench" });
const asking = new Headers({
  "Cache-Control": "max-age=60, min-fresh=5",
  "Accept-Language": "de, en;q=0.5",
});
const conditional = new Headers({ "If-None-Match": '"x", W/"y", "a"' });
const fields: [string, string][] = [
  ["date", new Date(NOW).toUTCString()],
  ["cache-control", "public, max-age=3600, stale-while-revalidate=60"],
  ["etag", '"a"'],
  ["last-modified", new Date(NOW - 3_600_000).toUTCString()],
  ["content-type", "application/json"],
  ["vary", "Accept-Language"],
];
const stored = {
  bornAt: NOW,
  freshUntil: NOW + 3_600_000,
  staleUntil: NOW + 3_660_000,
  errorUntil: NOW + 7_200_000,
  deleteAt: NOW + 86_400_000,
};
const limits = { disconnectedMs: 3_600_000, validateMs: 86_400_000, maxMs: 604_800_000 };
const variants = ["fr", "it", "es", "en", "de"].map((language) => ({
  key: language,
  selectors: selectorsOf(["accept-language"], readerOf([["accept-language", language]])),
  etag: "",
  language,
  deleteAt: NOW,
}));
const head = { status: 200, sent: readerOf(fields), fields, requestedAt: NOW, respondedAt: NOW };
let sink: unknown;

const sharing = sharingRules("safe", DEFAULT_CREDENTIAL_HEADERS);

const decisions: readonly Contender[] = [
  of("hit: may it be reused?", () =>
    freshnessForRequest(stored, requestControlOf(plain), NOW, () => false),
  ),
  of("hit: with request directives", () =>
    freshnessForRequest(stored, requestControlOf(asking), NOW, () => false),
  ),
  of("hit: is the client's copy good?", () => isNotModified(conditional, readerOf(fields), NOW)),
  of("hit: which of 5 variants?", () => selectVariant(variants, asking)),
  of("miss: may it be stored, and how long?", () =>
    decideStorage(plain, head, "https://bench.test", limits, sharing),
  ),
];

function of(name: string, decide: () => unknown): Contender {
  return {
    name,
    run() {
      for (let i = 0; i < TIMES; i++) sink = decide();
      return TIMES;
    },
  };
}

const times = medianNsPerOp(decisions, ROUNDS);
const rows: Row[] = [...times].map(([decision, ns]) => ({
  decision,
  µs: (ns / 1_000).toFixed(2),
}));
show("Decisions of the HTTP cache", rows);
save("policy", { rows, last: typeof sink });
