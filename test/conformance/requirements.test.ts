import { describe, expect, it } from "vitest";
import { createProxy } from "./proxy.ts";
import { REQUIREMENTS } from "./requirements.ts";

describe.each([...new Set(REQUIREMENTS.map(({ rfc }) => rfc))])("RFC %i", (rfc) => {
  it.each(REQUIREMENTS.filter((requirement) => requirement.rfc === rfc))(
    "RFC $rfc, $section: the cache $level $rule",
    async ({ check, options }) => {
      await expect(check(createProxy(options))).resolves.toBeUndefined();
    },
  );
});
