import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDate, parseDate } from "../../../src/core/http-date.ts";
import { parseDirectives, deltaSecondsOf } from "../../../src/http/rfc/directives.ts";
import { readerOf } from "../../../src/http/rfc/fields.ts";
import { splitList } from "../../../src/http/rfc/fields.ts";
import { lifetimesOf } from "../../../src/http/rfc/lifetimes.ts";
import { covers, joinParts, resolveRange } from "../../../src/http/rfc/range.ts";
import { responseControlOf } from "../../../src/http/rfc/response-control.ts";
import { freshnessForRequest } from "../../../src/http/rfc/reuse.ts";
import { NO_REQUEST_DIRECTIVES } from "../../../src/http/rfc/request-control.ts";
import { updateFields } from "../../../src/http/rfc/stored-fields.ts";
import { matches, normalise, selectorsOf } from "../../../src/http/rfc/vary.ts";

const NOW = Date.UTC(2026, 10, 21, 12);
const LIMITS = { disconnectedMs: 3_600_000, validateMs: 86_400_000, maxMs: 7 * 86_400_000 };
const token = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);

describe("HTTP dates", () => {
  it("parseDate() of a date that formatDate() has written returns the original instant", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (seconds) => {
        expect(parseDate(formatDate(seconds * 1_000), NOW)).toBe(seconds * 1_000);
      }),
    );
  });

  it("parseDate() reads the same instant from all three HTTP date formats if the instant is within 49 years of now", () => {
    fc.assert(
      fc.property(fc.integer({ min: -49 * 31_536_000, max: 49 * 31_536_000 }), (offset) => {
        const at = NOW + offset * 1_000;
        const [day = "", date = "", month = "", year = "", time = ""] = formatDate(at).split(/,? /);
        const long = new Date(at).toLocaleDateString("en-US", { weekday: "long", timeZone: "UTC" });
        expect(parseDate(`${long}, ${date}-${month}-${year.slice(2)} ${time} GMT`, NOW)).toBe(at);
        expect(parseDate(`${day} ${month} ${date.replace(/^0/, " ")} ${time} ${year}`, NOW)).toBe(
          at,
        );
      }),
    );
  });
});

describe("field lists", () => {
  it("splitList() returns the members of a comma-separated field value without white space and empty members", () => {
    const member = fc.oneof(
      token,
      token.map((text) => `"${text}, \\"${text}"`),
    );
    fc.assert(
      fc.property(
        fc.array(member, { minLength: 1 }),
        fc.constantFrom(",", ", ", " ,\t", ",, "),
        (members, comma) => {
          expect(splitList(members.join(comma))).toEqual(members);
        },
      ),
    );
  });

  it("deltaSecondsOf() returns the smallest value if Cache-Control repeats max-age", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100_000), { minLength: 1, maxLength: 5 }), (seconds) => {
        const control = seconds.map((value) => `max-age=${value}`).join(", ");
        expect(deltaSecondsOf(parseDirectives(control), "max-age")).toBe(Math.min(...seconds));
      }),
    );
  });
});

describe("lifetimes", () => {
  const controls = fc
    .subarray([
      "max-age=60",
      "s-maxage=30",
      "no-cache",
      "must-revalidate",
      "stale-while-revalidate=20",
      "stale-if-error=90",
      "public",
    ])
    .map((directives) => responseControlOf(readerOf([["cache-control", directives.join(", ")]])));

  it("lifetimesOf() returns freshUntil, staleUntil, errorUntil and deleteAt in rising order, and no response is fresh after its lifetime", () => {
    fc.assert(
      fc.property(
        controls,
        fc.nat(1_000_000_000),
        fc.nat(100_000),
        fc.boolean(),
        (control, ms, age, tagged) => {
          const headers = readerOf(tagged ? [["etag", '"a"']] : []);
          const born = NOW - age;
          const instants = lifetimesOf(
            { kind: "explicit", ms },
            control,
            headers,
            born,
            NOW,
            LIMITS,
          );
          const { freshUntil, staleUntil, errorUntil, deleteAt } = instants;
          expect(freshUntil).toBeLessThanOrEqual(staleUntil);
          expect(staleUntil).toBeLessThanOrEqual(errorUntil);
          expect(errorUntil).toBeLessThanOrEqual(deleteAt);
          expect(freshUntil).toBeLessThanOrEqual(born + ms);
          const at = Math.max(NOW, born + ms);
          expect(
            freshnessForRequest(
              { ...instants, bornAt: born },
              NO_REQUEST_DIRECTIVES,
              at,
              () => false,
            ),
          ).not.toBe("fresh");
        },
      ),
    );
  });

  it("request directives never make a stored response fresher", () => {
    const ranks = ["fresh", "revalidate", "error-only", "kept", "expired"];
    const directives = fc.record({
      noCache: fc.boolean(),
      maxAge: fc.option(fc.nat(100), { nil: undefined }),
      minFresh: fc.option(fc.nat(100), { nil: undefined }),
    });
    fc.assert(
      fc.property(controls, directives, fc.nat(200_000), (control, asked, after) => {
        const instants = lifetimesOf(
          { kind: "explicit", ms: 60_000 },
          control,
          readerOf([]),
          NOW,
          NOW,
          LIMITS,
        );
        const stored = { ...instants, bornAt: NOW };
        const plain = freshnessForRequest(stored, NO_REQUEST_DIRECTIVES, NOW + after, () => true);
        const strict = freshnessForRequest(
          stored,
          { ...NO_REQUEST_DIRECTIVES, ...asked },
          NOW + after,
          () => true,
        );
        expect(ranks.indexOf(strict)).toBeGreaterThanOrEqual(ranks.indexOf(plain));
      }),
    );
  });
});

describe("selecting fields", () => {
  const requests = fc.dictionary(
    fc.constantFrom("accept-language", "accept-encoding", "foo"),
    fc.constantFrom("a", "a, b", "b;q=0.5, a", "", "A , B"),
  );

  it("a request selects the variant that was stored for a request with the same fields", () => {
    fc.assert(
      fc.property(requests, (fields) => {
        const request = readerOf(Object.entries(fields));
        expect(
          matches(selectorsOf(["accept-encoding", "accept-language", "foo"], request), request),
        ).toBe(true);
      }),
    );
  });

  it("normalise() does not change the value of a field named by Vary that is already normalised", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("accept-language", "accept-encoding", "foo"),
        fc.string(),
        (name, value) => {
          const once = normalise(name, value);
          expect(normalise(name, once)).toBe(once);
        },
      ),
    );
  });
});

describe("ranges", () => {
  it("resolveRange() returns undefined or a range that lies within the representation", () => {
    const spec = fc.oneof(
      fc.record({ suffix: fc.nat(50) }),
      fc
        .tuple(fc.nat(50), fc.option(fc.nat(50), { nil: undefined }))
        .map(([first, more]) => ({ first, last: more === undefined ? undefined : first + more })),
    );
    fc.assert(
      fc.property(spec, fc.nat(40), (range, total) => {
        const span = resolveRange(range, total);
        expect(span === undefined || covers({ first: 0, last: total - 1 }, span)).toBe(true);
      }),
    );
  });

  it("joinParts() returns the whole body for two parts that meet or overlap, and undefined for two parts with a gap between them", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 2, maxLength: 40 }),
        fc.nat(39),
        fc.nat(39),
        (bytes, a, b) => {
          const total = bytes.length;
          const [end, start] = [a % total, b % total];
          const cut = (first: number, last: number) => ({
            part: { first, last, total },
            bytes: bytes.slice(first, last + 1),
          });
          const joined = joinParts(cut(0, end), cut(start, total - 1));
          if (start > end + 1) expect(joined).toBeUndefined();
          else expect(joined?.bytes).toEqual(bytes);
        },
      ),
    );
  });
});

describe("updated fields", () => {
  it("updateFields() replaces stored header fields by newer ones, copies the other stored fields, and never changes Content-Length", () => {
    const fields = fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "content-length"), token), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(fields, fields, (stored, newer) => {
        const updated = updateFields(stored, newer);
        for (const name of ["a", "b", "c", "content-length"]) {
          const from =
            name !== "content-length" && newer.some(([other]) => other === name) ? newer : stored;
          expect(updated.filter(([other]) => other === name)).toEqual(
            from.filter(([other]) => other === name),
          );
        }
      }),
    );
  });
});
