import { describe, expect, it } from "vitest";
import { parseCorsOrigins } from "../../src/config/cors-origins.ts";
import { readVariables } from "../../src/config/variables.ts";
import type { Bindings } from "../../src/index.ts";

describe("CORS_ORIGINS", () => {
  it.each([
    ["", []],
    [" * ", "*"],
    ["https://a.example", ["https://a.example"]],
    ["https://a.example, http://127.0.0.1:5173,", ["https://a.example", "http://127.0.0.1:5173"]],
  ])("the text %j is read as %j", (text, origins) => {
    expect(parseCorsOrigins(text)).toEqual(origins);
  });

  it.each([
    "https://a.example/",
    "https://a.example/path",
    "https://A.example",
    "https://a.example:443",
    "a.example",
    "null",
    "ftp://a.example",
    "https://*.example",
    "https://a.example, *",
    "https://user@a.example",
    Array.from({ length: 101 }, (_, i) => `https://a${i}.example`).join(),
  ])("the text %j is refused", (text) => {
    expect(parseCorsOrigins(text)).toBeUndefined();
  });

  it("a wrong CORS_ORIGINS, and CORS_CREDENTIALS=1 without a list of origins, are named in the configuration error", () => {
    const named = (variables: Partial<Bindings>) =>
      readVariables(variables as Bindings).problems.filter((line) => line.startsWith("CORS_"));
    expect(named({ CORS_ORIGINS: "shop.example" })).toEqual([
      "CORS_ORIGINS: must be origins such as https://shop.example, without a path, separated by commas; or *",
    ]);
    for (const CORS_ORIGINS of ["*", "", undefined])
      expect(
        named({ CORS_CREDENTIALS: "1", ...(CORS_ORIGINS !== undefined && { CORS_ORIGINS }) }),
      ).toEqual(["CORS_ORIGINS: must list the origins, since CORS_CREDENTIALS is 1"]);
    expect(named({ CORS_ORIGINS: "https://a.example", CORS_CREDENTIALS: "1" })).toEqual([]);
    expect(named({ CORS_CREDENTIALS: "yes" })[0]).toBe("CORS_CREDENTIALS: must be 1, or not set");
  });
});
