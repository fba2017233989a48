import { describe, expect, it } from "vitest";
import { isCrossSite } from "../../src/sessions/cross-site.ts";

const url = "https://shop.example/sessions";

describe("isCrossSite", () => {
  it.each<[string, Record<string, string>, boolean]>([
    ["POST", { "Sec-Fetch-Site": "same-origin" }, false],
    ["POST", { "Sec-Fetch-Site": "none" }, false],
    ["POST", { "Sec-Fetch-Site": "same-site" }, true],
    ["POST", { "Sec-Fetch-Site": "cross-site" }, true],
    ["DELETE", { "Sec-Fetch-Site": "nonsense" }, true],
    ["POST", { Origin: "https://shop.example" }, false],
    ["POST", { Origin: "https://shop.example:8443" }, true],
    ["POST", { Origin: "http://shop.example" }, true],
    ["POST", { Origin: "https://evil.example" }, true],
    ["POST", { Origin: "null" }, true],
    ["PATCH", { Origin: "https://evil.example", "Sec-Fetch-Site": "same-origin" }, false],
    ["POST", {}, false],
    ["GET", { "Sec-Fetch-Site": "cross-site" }, false],
    ["HEAD", { Origin: "https://evil.example" }, false],
  ])("a %s request with the fields %j comes from another site: %s", (method, fields, expected) => {
    expect(isCrossSite({ method, url, headers: new Headers(fields) })).toBe(expected);
  });

  it("a request of a page of a trusted origin does not come from another site, and one of a page of any other origin does", () => {
    const trusted = new Set(["https://app.shop.example"]);
    const from = (origin: string) => ({
      method: "DELETE",
      url,
      headers: new Headers({ Origin: origin, "Sec-Fetch-Site": "same-site" }),
    });
    expect(isCrossSite(from("https://app.shop.example"), trusted)).toBe(false);
    expect(isCrossSite(from("https://other.shop.example"), trusted)).toBe(true);
    expect(isCrossSite(from("https://app.shop.example"))).toBe(true);
  });
});
