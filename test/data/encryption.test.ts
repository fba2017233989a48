import { env } from "cloudflare:workers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEntry, encodeEntry } from "../../src/core/codec.ts";
import type { Entry } from "../../src/core/entry.ts";
import type { CacheEvent } from "../../src/core/events.ts";
import { createEntryCipher } from "../../src/data/entry-cipher.ts";
import { createStrata, DefinitionError, definePolicy, key } from "../../src/entries/data.ts";
import { durable, flights } from "../../src/entries/durable.ts";
import { encryption, type EncryptionKey } from "../../src/entries/encryption.ts";
import { redis } from "../../src/entries/redis.ts";
import { HOST } from "../../src/compose/open-cache.ts";
import type { Shared } from "../../src/data/shared.ts";
import { randomBytes } from "../../src/platform.ts";
import { sqlIn } from "../stores/durable-subject.ts";
import { arbitraryEntry, entryOf } from "../support/entries.ts";
import { redisCommand } from "../support/gateway.ts";
import { uniqueNamespace } from "../support/isolate.ts";

const POLICY = definePolicy({ freshFor: "5m", tags: ["users"] });
const USER = key("user", 7);
const SECRET = "Grace Hopper, 1906";
const bytesOf = (byte: number) => new Uint8Array(32).fill(byte);
const ONE: EncryptionKey = { id: "one", key: bytesOf(1) };
const TWO: EncryptionKey = { id: "two", key: bytesOf(2) };

const onRedis = () =>
  redis({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN });
const onObjects = () => durable(env.STRATA, { timeout: "10s", breaker: { slow: "1m" } });

interface Options {
  readonly shared?: Shared;
  readonly keys?: readonly EncryptionKey[];
}

/** Opens an isolate. Without keys it stores plain text. */
function openIsolate(namespace: string, { shared, keys }: Options) {
  const deferred: Promise<unknown>[] = [];
  const events: CacheEvent[] = [];
  const strata = createStrata({
    namespace,
    ...(shared && { shared, flights: flights(env.FLIGHTS) }),
    ...(keys && { encryption: encryption({ keys }) }),
    onEvent: (event) => void events.push(event),
  });
  const cache = strata.open({ waitUntil: (work) => void deferred.push(work) });
  return {
    /** Reads the user. Returns where the value came from, and the value. */
    async read(load: () => Promise<unknown> = async () => ({ name: SECRET }), userKey = USER) {
      const { status, value } = await cache.read(userKey, POLICY, load);
      for (let at = 0; at < deferred.length; at++) await deferred[at];
      return { status, value };
    },
    rejections: () =>
      events.flatMap((event) => (event.type === "entry.reject" ? [event.tier, event.reason] : [])),
  };
}

const urlOf = (entryKey: string) =>
  `https://${HOST}/__strata/entries/${encodeURIComponent(entryKey)}`;

/** The tiers outside the isolate: a shared store, and the text and the change of an entry in it. */
const TIERS = [
  [
    "the edge",
    {
      shared: undefined,
      textOf: async (namespace: string, entryKey: string) =>
        (await (await caches.open(namespace)).match(urlOf(entryKey)))?.text(),
      put: async (namespace: string, entryKey: string, text: string) =>
        (await caches.open(namespace)).put(
          urlOf(entryKey),
          new Response(text, { headers: { "Cache-Control": "public, max-age=60" } }),
        ),
      tier: "edge",
    },
  ],
  [
    "Redis",
    {
      shared: onRedis,
      textOf: (namespace: string, entryKey: string) =>
        redisCommand<string | undefined>("GET", `${namespace}:e:${entryKey}`),
      put: (namespace: string, entryKey: string, text: string) =>
        redisCommand<void>("SET", `${namespace}:e:${entryKey}`, text),
      tier: "redis",
    },
  ],
  [
    "the store in Durable Objects",
    {
      shared: onObjects,
      textOf: async (namespace: string, entryKey: string) =>
        (
          await sqlIn(`${namespace}-store`, "SELECT text FROM entries WHERE key = ?", entryKey)
        )[0]?.["text"] as string | undefined,
      put: async (namespace: string, entryKey: string, text: string) => {
        const row = [entryKey, Date.now() + 60_000, text, text];
        await sqlIn(
          `${namespace}-store`,
          "INSERT OR REPLACE INTO entries VALUES (?, ?, octet_length(?), ?)",
          ...row,
        );
      },
      tier: "redis",
    },
  ],
] as const;

/** Removes the copies of the Cache API, so that the next isolate reads the shared store. */
async function emptyEdge(namespace: string): Promise<void> {
  const cache = await caches.open(namespace);
  await Promise.all([USER, key("user", 8)].map((entryKey) => cache.delete(urlOf(entryKey))));
}

describe.each(TIERS)("the option encryption with %s", (name, { shared, textOf, put, tier }) => {
  const options = (keys: readonly EncryptionKey[]): Options => ({
    keys,
    ...(shared && { shared: shared() }),
  });
  const before = async (namespace: string) => {
    if (name !== "the edge") await emptyEdge(namespace);
  };

  it(`a value that one isolate stored is ciphertext in ${name}, and a hit in another isolate with the same key`, async () => {
    const namespace = uniqueNamespace();
    await openIsolate(namespace, options([ONE])).read();
    const text = (await textOf(namespace, USER)) ?? "";
    expect(text).toContain("k:user:7");
    expect(text).toContain('"e":""');
    expect(text).not.toContain("Grace");
    expect(atob(text.slice(text.lastIndexOf("\n") + 1))).not.toContain("Grace");
    await before(namespace);
    const found = await openIsolate(namespace, options([ONE])).read();
    expect(found).toEqual({ status: `hit-${tier}`, value: { name: SECRET } });
  });

  it(`after a rotation, a value of the former key in ${name} is a hit while the key is listed, and a miss afterwards`, async () => {
    const namespace = uniqueNamespace();
    await openIsolate(namespace, options([ONE])).read();
    await before(namespace);
    const during = openIsolate(namespace, options([TWO, ONE]));
    expect((await during.read()).status).toBe(`hit-${tier}`);
    if (name !== "the edge") await emptyEdge(namespace);
    const after = openIsolate(namespace, options([TWO]));
    expect((await after.read()).status).toBe("miss");
    expect(after.rejections()).toContain("undecryptable");
    // The load has stored a value of the new key.
    await before(namespace);
    expect((await openIsolate(namespace, options([TWO])).read()).status).toBe(`hit-${tier}`);
  });

  it(`a value in ${name} that was moved to another key is a miss, and an event`, async () => {
    const namespace = uniqueNamespace();
    await openIsolate(namespace, options([ONE])).read();
    const text = (await textOf(namespace, USER)) ?? "";
    const moved = text.replaceAll("user:7", "user:8");
    expect(decodeEntry("user:8", moved)).toBeDefined();
    await put(namespace, "user:8", moved);
    await before(namespace);
    if (name !== "the edge") await put(namespace, "user:8", moved);
    const isolate = openIsolate(namespace, options([ONE]));
    const found = await isolate.read(async () => "own", key("user", 8));
    expect(found).toEqual({ status: "miss", value: "own" });
    expect(isolate.rejections()).toEqual([tier, "undecryptable"]);
  });

  it(`plain text in ${name} is a miss for an isolate with encryption, and ciphertext is none for an isolate without it`, async () => {
    const namespace = uniqueNamespace();
    await openIsolate(namespace, shared ? { shared: shared() } : {}).read();
    await before(namespace);
    const isolate = openIsolate(namespace, options([ONE]));
    expect((await isolate.read()).status).toBe("miss");
    expect(isolate.rejections()).toEqual([tier, "undecryptable"]);
  });
});

describe("the cipher of entries", () => {
  const cipherOf = (namespace: string, byte = 1) => {
    const usages = ["encrypt", "decrypt"];
    const imported = () => crypto.subtle.importKey("raw", bytesOf(byte), "AES-GCM", false, usages);
    return createEntryCipher(namespace, [{ id: "one", key: imported }], randomBytes);
  };
  const cipher = cipherOf("shop");

  it("every entry equals its round trip through cipher and codec", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryEntry, async (entry) => {
        const text = encodeEntry(await cipher.seal(entry));
        const stored = decodeEntry(entry.key, text);
        expect(stored && (await cipher.unseal(stored))).toStrictEqual(entry);
      }),
      { numRuns: 100 },
    );
  });

  it("a body with a lone surrogate equals its round trip", async () => {
    const entry = entryOf({ body: '"\ud800"' });
    expect(await cipher.unseal(await cipher.seal(entry))).toEqual(entry);
  });

  it("the same entry is another ciphertext each time", async () => {
    const entry = entryOf();
    expect((await cipher.seal(entry)).body).not.toEqual((await cipher.seal(entry)).body);
  });

  it.each<[string, Partial<Entry>]>([
    ["another key", { key: "product:2" }],
    ["a later end", { freshUntil: Number.MAX_SAFE_INTEGER }],
    ["a later deletion", { deleteAt: Number.MAX_SAFE_INTEGER }],
    ["another log position", { asOf: Number.MAX_SAFE_INTEGER }],
    ["another era", { era: "other" }],
    ["a tag less", { invalidationKeys: ["n:", "k:product:1"] }],
    ["another kind", { kind: "absent" }],
    ["no encryption", { body: "1" }],
    ["an empty body", { body: new Uint8Array() }],
  ])("a sealed entry with %s is not decrypted", async (_, fields) => {
    const sealed = await cipher.seal(
      entryOf({ key: "product:1", invalidationKeys: ["n:", "t:a"] }),
    );
    expect(await cipher.unseal(sealed)).toBeDefined();
    expect(await cipher.unseal({ ...sealed, ...fields })).toBeUndefined();
  });

  it("a sealed entry of another namespace or another key is not decrypted", async () => {
    const sealed = await cipher.seal(entryOf());
    expect(await cipherOf("other").unseal(sealed)).toBeUndefined();
    expect(await cipherOf("shop", 2).unseal(sealed)).toBeUndefined();
  });

  it("a sealed body with one changed byte, or cut off anywhere, is not decrypted", async () => {
    const sealed = await cipher.seal(entryOf());
    const body = sealed.body as Uint8Array;
    for (let at = 0; at < body.length; at++) {
      const changed = Uint8Array.from(body);
      changed[at]! ^= 1;
      expect(await cipher.unseal({ ...sealed, body: changed }), `byte ${at}`).toBeUndefined();
      const cut = body.slice(0, at);
      expect(await cipher.unseal({ ...sealed, body: cut }), `cut at ${at}`).toBeUndefined();
    }
  });
});

describe("the keys of encryption()", () => {
  it("bytes, their base64 and a CryptoKey are the same key", async () => {
    const namespace = uniqueNamespace();
    const imported = await crypto.subtle.importKey("raw", bytesOf(1), "AES-GCM", false, [
      "encrypt",
      "decrypt",
    ]);
    await openIsolate(namespace, { keys: [ONE] }).read();
    for (const given of [btoa(String.fromCharCode(...bytesOf(1))), imported]) {
      const isolate = openIsolate(namespace, { keys: [{ id: "one", key: given }] });
      expect((await isolate.read()).status).toBe("hit-edge");
    }
  });

  it.each<[string, unknown, RegExp]>([
    ["no key", [], /keys: must be a list/],
    ["no list", undefined, /keys: must be a list/],
    ["31 bytes", [{ id: "a", key: new Uint8Array(31) }], /keys\[0\]\.key: must be 32 bytes/],
    ["a missing variable", [ONE, { id: "a", key: undefined }], /keys\[1\]\.key: must be/],
    ["a text that is no base64", [{ id: "a", key: "hush, a secret!" }], /keys\[0\]\.key: must be/],
    ["an id with a space", [{ ...ONE, id: "a b" }], /keys\[0\]\.id: must be 1 to 32/],
    ["an id twice", [ONE, { ...TWO, id: "one" }], /keys\[1\]\.id: must be the id of one key only/],
  ])("%s is an error that names the option, and not the key", (_, keys, message) => {
    const make = () => encryption({ keys: keys as EncryptionKey[] });
    expect(make).toThrow(DefinitionError);
    expect(make).toThrow(message);
    expect(make).not.toThrow(/hush/);
  });

  it("a CryptoKey of 128 bits, or one that only decrypts, is an error", async () => {
    const short = await crypto.subtle.generateKey({ name: "AES-GCM", length: 128 }, false, [
      "encrypt",
      "decrypt",
    ]);
    const reader = await crypto.subtle.importKey("raw", bytesOf(1), "AES-GCM", false, ["decrypt"]);
    for (const wrong of [short, reader])
      expect(() => encryption({ keys: [{ id: "a", key: wrong as CryptoKey }] })).toThrow(
        /256 bits/,
      );
  });
});
