import { describe, expect, it } from "vitest";
import type { Entry } from "../../src/core/entry.ts";
import {
  createVerificationBatches,
  MAX_VERIFIED_KEYS,
  type Verification,
} from "../../src/engine/verification-batches.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createTestContext } from "../support/context.ts";
import { entryOf, invalidationKeysOf } from "../support/entries.ts";

const entryAt = (at: number, tags = 0): Entry =>
  entryOf({
    key: `item:${at}`,
    invalidationKeys: invalidationKeysOf(
      `item:${at}`,
      ...Array.from({ length: tags }, (_, tag) => `tag-${tag}`),
    ),
  });

/** Batches whose requests are answered by hand. Each answer confirms the entries that were asked for. */
function setup(timeoutMs = 10_000) {
  const asked: { readonly entries: readonly Entry[]; answer(): void; fail(): void }[] = [];
  const verify = createVerificationBatches({
    timeoutMs,
    withTimeout,
    ask(entries) {
      const { promise, resolve, reject } = Promise.withResolvers<readonly Verification[]>();
      asked.push({
        entries,
        answer: () => resolve(entries),
        fail: () => reject(new Error("a mistake of the program")),
      });
      return promise;
    },
  });
  return { asked, sizes: () => asked.map(({ entries }) => entries.length), verify };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("batches of verifications", () => {
  it("verifications of the same turn share one request, and each gets the result of its own entry", async () => {
    const { asked, sizes, verify } = setup();
    const entries = Array.from({ length: 100 }, (_, at) => entryAt(at));
    const results = entries.map((entry) => verify(entry, createTestContext()));
    await turn();
    expect(sizes()).toEqual([100]);
    asked[0]?.answer();
    expect(await Promise.all(results)).toEqual(entries);
  });

  it("verifications that are needed while a request runs share the next request, which is sent only after the running one has ended", async () => {
    const { asked, sizes, verify } = setup();
    const first = verify(entryAt(0), createTestContext());
    await turn();
    const later: Promise<Verification>[] = [];
    for (let at = 1; at <= 50; at++) {
      later.push(verify(entryAt(at), createTestContext()));
      await turn();
    }
    expect(sizes()).toEqual([1]);
    asked[0]?.answer();
    expect(await first).toEqual(entryAt(0));
    await turn();
    expect(sizes()).toEqual([1, 50]);
    asked[1]?.answer();
    expect(await Promise.all(later)).toEqual(
      Array.from({ length: 50 }, (_, at) => entryAt(at + 1)),
    );
  });

  it(`a batch with more than ${MAX_VERIFIED_KEYS} invalidation keys is divided into several requests, and each entry gets its own result`, async () => {
    const { asked, verify } = setup();
    // Each entry has 100 invalidation keys: 97 tags, its key, its prefix and the namespace.
    const entries = Array.from({ length: 250 }, (_, at) => entryAt(at, 97));
    const results = entries.map((entry) => verify(entry, createTestContext()));
    await turn();
    expect(asked.map(({ entries: each }) => each.length)).toEqual([100, 100, 50]);
    for (const request of asked.toReversed()) request.answer();
    expect(await Promise.all(results)).toEqual(entries);
  });

  it("an entry with more invalidation keys than one request may have is verified in a request of its own", async () => {
    const { asked, sizes, verify } = setup();
    const entries = [entryAt(0), entryAt(1, MAX_VERIFIED_KEYS), entryAt(2)];
    const results = entries.map((entry) => verify(entry, createTestContext()));
    await turn();
    expect(sizes()).toEqual([1, 1, 1]);
    for (const request of asked) request.answer();
    expect(await Promise.all(results)).toEqual(entries);
  });

  it("after a request that failed with an exception, the verifications that waited for its end send their own request", async () => {
    const { asked, sizes, verify } = setup();
    const first = verify(entryAt(0), createTestContext());
    await turn();
    const second = verify(entryAt(1), createTestContext());
    asked[0]?.fail();
    await expect(first).rejects.toThrow("a mistake of the program");
    await turn();
    expect(sizes()).toEqual([1, 1]);
    asked[1]?.answer();
    expect(await second).toEqual(entryAt(1));
  });

  it("a verification whose request never ends is rejected at the deadline, and a later verification does not wait for that request", async () => {
    const { asked, sizes, verify } = setup(20);
    await expect(verify(entryAt(0), createTestContext())).rejects.toThrow("20 ms");
    const later = verify(entryAt(1), createTestContext({ now: () => Date.now() + 1_000 }));
    await turn();
    expect(sizes()).toEqual([1, 1]);
    asked[1]?.answer();
    expect(await later).toEqual(entryAt(1));
  });
});
