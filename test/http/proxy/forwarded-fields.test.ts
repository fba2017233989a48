import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UNTRUSTED_FIELDS } from "../../../src/http/cache/untrusted-fields.ts";
import {
  fieldRulesOf,
  forwardedHeaders,
  forwardedReader,
} from "../../../src/http/proxy/forwarded-fields.ts";

const RULES = fieldRulesOf();

const NAMES = [
  ...UNTRUSTED_FIELDS,
  ..."Accept Accept-Encoding Accept-Language CF-Connecting-IP Connection Cookie Foo Host".split(
    " ",
  ),
  ..."Keep-Alive TE Via X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto".split(" "),
];
const values = fc.constantFrom("1", "a, b", "Foo", "keep-alive, Foo", "Accept-Encoding", "gzip");

describe("forwarded request fields", () => {
  it("forwardedReader() returns the same value for each request field as forwardedHeaders()", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...NAMES), values),
        fc.constantFrom(undefined, "", "br"),
        fc.subarray(NAMES),
        fc.subarray(NAMES),
        (headers, clientAcceptEncoding, forwardFields, dropFields) => {
          const rules = fieldRulesOf({ forwardFields, dropFields });
          const cf = { clientAcceptEncoding } as unknown as CfProperties;
          const request = new Request("https://x.test/y", { headers, cf });
          const whole = forwardedHeaders(request, rules);
          const reader = forwardedReader(request, rules, () => whole);
          for (const name of NAMES)
            expect([name, reader.get(name)]).toEqual([name, whole.get(name)]);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("forwardedHeaders() removes the request fields that the Connection field lists", () => {
    const headers = { Connection: "Foo, Accept-Encoding", Foo: "1", "Accept-Encoding": "br" };
    const whole = forwardedHeaders(new Request("https://x.test/y", { headers }), RULES);
    expect([whole.get("Foo"), whole.get("Accept-Encoding")]).toEqual([null, null]);
  });

  it("forwardedReader() reads a request field that is forwarded unchanged without copying the header section", () => {
    const request = new Request("https://x.test/y", {
      headers: { Foo: "1", "Accept-Encoding": "br" },
    });
    const reader = forwardedReader(request, RULES, () => {
      throw new Error("copied");
    });
    expect([reader.get("foo"), reader.get("Accept-Encoding"), reader.get("Bar")]).toEqual([
      "1",
      "br",
      null,
    ]);
  });
});
