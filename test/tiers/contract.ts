/** The test suite that every tier passes: memory through an adapter, the edge directly. */
import { describe, expect, it } from "vitest";
import type { Entry } from "../../src/core/entry.ts";
import type { Context } from "../../src/core/context.ts";
import type { Tier } from "../../src/core/tier.ts";
import { createTestContext } from "../support/context.ts";
import { entryOf, invalidationKeysOf } from "../support/entries.ts";

export interface TierUnderTest {
  readonly tier: Tier;
  /** The host under which the entries of this test are stored. */
  readonly host: string;
}

export function describeTier(name: Tier["name"], create: () => TierUnderTest): void {
  describe(`the ${name} tier by the shared suite`, () => {
    const now = 1_000_000;
    const setup = (): { tier: Tier; ctx: Context } => {
      const { tier, host } = create();
      return { tier, ctx: createTestContext({ now: () => now, host }) };
    };
    const stored = async (entry: Entry): Promise<unknown> => {
      const { tier, ctx } = setup();
      expect(await tier.set(entry, ctx)).toEqual({ ok: true, value: undefined });
      return tier.get(entry.key, ctx);
    };

    it(`the tier object of the ${name} tier has this name`, () => {
      expect(setup().tier.name).toBe(name);
    });

    it(`a read of the ${name} tier for a key without an entry succeeds and returns undefined`, async () => {
      const { tier, ctx } = setup();
      expect(await tier.get("product:404", ctx)).toEqual({ ok: true, value: undefined });
    });

    it.each<[string, Partial<Entry>]>([
      ["text", { body: '{"name":"Größe 😀\\n"}\n\n' }],
      ["bytes", { body: Uint8Array.from({ length: 256 }, (_, byte) => byte) }],
      ["no body", { body: "" }],
      ["a negative entry", { kind: "absent", body: "", etag: "" }],
      [
        "a response",
        {
          http: {
            status: 404,
            headers: [
              ["content-type", "text/plain"],
              ["vary", "accept"],
              ["link", "<a>"],
              ["link", "<b>"],
            ],
          },
        },
      ],
      ["every instant", { staleUntil: 1_100_000, errorUntil: 1_200_000, deleteAt: 1_300_000 }],
      [
        "invalidation keys, asOf and era",
        {
          asOf: 2 ** 52 + 1,
          era: "e",
          invalidationKeys: invalidationKeysOf("product:1", "größe 1", "!seq"),
        },
      ],
    ])(`the ${name} tier returns an entry with %s exactly as it was stored`, async (_, fields) => {
      const entry = entryOf(fields);
      expect(await stored(entry)).toStrictEqual({ ok: true, value: entry });
    });

    it(`the ${name} tier returns an entry only for the exact key of this entry`, async () => {
      const { tier, ctx } = setup();
      const keys = ["a:1", "a:1/..", "a:%2F", "a:%252F", "a:?b", "a:#b", "a:/", "a:.", "b:1"];
      for (const key of keys) await tier.set(entryOf({ key, body: `of ${key}` }), ctx);
      for (const key of keys)
        expect(await tier.get(key, ctx)).toMatchObject({ ok: true, value: { body: `of ${key}` } });
      expect(await tier.get("a:2", ctx)).toEqual({ ok: true, value: undefined });
    });

    it(`the ${name} tier replaces the former entry under a key`, async () => {
      const { tier, ctx } = setup();
      await tier.set(entryOf({ body: "first" }), ctx);
      await tier.set(entryOf({ body: "second, and longer" }), ctx);
      expect(await tier.get("product:1", ctx)).toMatchObject({
        value: { body: "second, and longer" },
      });
    });

    it(`the ${name} tier deletes the entries of the requested keys and no other entries`, async () => {
      const { tier, ctx } = setup();
      for (const key of ["a:1", "a:2", "a:3"]) await tier.set(entryOf({ key }), ctx);
      expect(await tier.delete(["a:1", "a:3", "a:never"], ctx)).toMatchObject({ ok: true });
      expect(await tier.get("a:1", ctx)).toEqual({ ok: true, value: undefined });
      expect(await tier.get("a:3", ctx)).toEqual({ ok: true, value: undefined });
      expect(await tier.get("a:2", ctx)).toMatchObject({ value: { key: "a:2" } });
    });

    it(`a deletion with an empty list of keys succeeds in the ${name} tier`, async () => {
      const { tier, ctx } = setup();
      expect(await tier.delete([], ctx)).toMatchObject({ ok: true });
    });

    it.each([now, now - 1, 0])(
      `the ${name} tier does not store an entry that expired at %d, now or earlier`,
      async (deleteAt) => {
        const times = { freshUntil: 0, staleUntil: 0, errorUntil: 0, deleteAt };
        expect(await stored(entryOf({ storedAt: 0, ...times }))).toEqual({
          ok: true,
          value: undefined,
        });
      },
    );
  });
}
