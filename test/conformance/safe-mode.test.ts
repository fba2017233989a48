import { describe, expect, it } from "vitest";
import { createProxy } from "./proxy.ts";
import type { Requirement } from "./requirement.ts";
import { REQUIREMENTS } from "./requirements.ts";
import { NOT_IN_SAFE_MODE } from "./safe-mode.ts";

/** Requirements that are checked at a time. Each has a proxy of its own. */
const CONCURRENT = 6;

describe("the requirements in safe mode", () => {
  it("safe mode meets every requirement that is not listed, and none that is", async () => {
    const left = [...REQUIREMENTS];
    const unmet: string[] = [];
    const check = async (): Promise<void> => {
      for (let next = left.pop(); next !== undefined; next = left.pop())
        if (!(await isMet(next))) unmet.push(`${next.rfc}, ${next.section}: ${next.rule}`);
    };
    await Promise.all(Array.from({ length: CONCURRENT }, check));
    expect(unmet.toSorted()).toEqual(Object.values(NOT_IN_SAFE_MODE).flat().toSorted());
  }, 120_000);
});

async function isMet({ check, options }: Requirement): Promise<boolean> {
  return check(createProxy({ ...options, sharing: "safe" })).then(
    () => true,
    () => false,
  );
}
