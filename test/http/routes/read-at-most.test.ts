import { describe, expect, it } from "vitest";
import { createByteBudget } from "../../../src/core/byte-budget.ts";
import { BudgetSpent, readAtMost } from "../../../src/http/routes/read-at-most.ts";

/** A body that has sent `bytes`, and ends later. */
function unended(bytes: number) {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  void writer.write(new Uint8Array(bytes)).catch(() => undefined);
  return { body: readable, end: () => void writer.close(), fail: () => void writer.abort("gone") };
}

const bodyOf = (bytes: number) => new Response(new Uint8Array(bytes)).body;
const turn = () => new Promise((resolve) => setTimeout(resolve));

describe("readAtMost", () => {
  it("a body that the budget has no room for is refused, and one that has ended, broken off or is too large takes no room any more", async () => {
    const budget = createByteBudget(100);
    const ending = unended(40);
    const failing = unended(40);
    const ended = readAtMost(ending.body, 50, budget);
    const failed = readAtMost(failing.body, 50, budget);
    await turn();
    expect(await readAtMost(bodyOf(51), 50, budget)).toBeUndefined();
    await expect(readAtMost(bodyOf(21), 50, budget)).rejects.toThrow(BudgetSpent);
    expect((await readAtMost(bodyOf(20), 50, budget))?.byteLength).toBe(20);
    ending.end();
    expect((await ended)?.byteLength).toBe(40);
    failing.fail();
    await expect(failed).rejects.toBeDefined();
    expect((await readAtMost(bodyOf(100), 100, budget))?.byteLength).toBe(100);
  });
});
