import { describe, expect, it } from "vitest";
import { createProxy } from "./proxy.ts";
import type { Requirement } from "./requirement.ts";
import { REQUIREMENTS } from "./requirements.ts";
import { NOT_IN_SAFE_MODE } from "./safe-mode.ts";

/** Requirements that are checked at a time. Each has a proxy of its own. */
const CONCURRENT = 6;

describe("the requirements in safe mode", () => {
  it("the proxy in sharing mode `safe` meets every HTTP requirement except exactly those in the list NOT_IN_SAFE_MODE", async () => {
    const left = [...REQUIREMENTS];
    const suspects: Requirement[] = [];
    const check = async (): Promise<void> => {
      for (let next = left.pop(); next !== undefined; next = left.pop())
        if (!(await isMet(next))) suspects.push(next);
    };
    await Promise.all(Array.from({ length: CONCURRENT }, check));
    const listed = Object.values(NOT_IN_SAFE_MODE).flat();
    const unmet: string[] = [];
    for (const suspect of suspects) {
      const name = nameOf(suspect);
      // Some checks allow for 1 s of real time, which others at the same time may take.
      if (listed.includes(name) || !(await isMet(suspect))) unmet.push(name);
    }
    expect(unmet.toSorted()).toEqual(listed.toSorted());
  }, 120_000);
});

async function isMet({ check, options }: Requirement): Promise<boolean> {
  return check(createProxy({ ...options, sharing: "safe" })).then(
    () => true,
    () => false,
  );
}

function nameOf({ rfc, section, rule }: Requirement): string {
  return `${rfc}, ${section}: ${rule}`;
}
