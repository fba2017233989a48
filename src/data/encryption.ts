/** The encryption of stored entries: its options, and the ports behind which entries are ciphertext. */
import { fromBase64 } from "../core/base64.ts";
import { decodeEntry, encodeEntry } from "../core/codec.ts";
import type { Context } from "../core/context.ts";
import type { Encryption } from "../core/encryption.ts";
import type { Entry } from "../core/entry.ts";
import { DefinitionError, done } from "../core/faults.ts";
import type { FlightPort, FlightResult } from "../core/flight-port.ts";
import type { RandomBytes } from "../core/random.ts";
import type { SharedStore, Verified } from "../core/shared-store.ts";
import type { Tier } from "../core/tier.ts";
import { createEntryCipher, type CipherKey, type EntryCipher } from "./entry-cipher.ts";

/** A key with its name. Stored entries carry the name. */
export interface EncryptionKey {
  /** 1 to 32 letters, digits, dots, hyphens and underscores. Never give a name to another key. */
  readonly id: string;
  /** 32 random bytes, their base64 (`openssl rand -base64 32`), or a CryptoKey of AES-GCM with 256 bits. */
  readonly key: Uint8Array | string | CryptoKey;
}

/** The options of `encryption`. */
export interface EncryptionOptions {
  /** The first key encrypts. All of them decrypt. */
  readonly keys: readonly EncryptionKey[];
}

const ID = /^[\w.-]{1,32}$/;
const KEY_BYTES = 32;

/** Creates the encryption of stored entries. @throws {DefinitionError} that lists what is wrong with the keys */
export function createEncryption(
  { keys }: EncryptionOptions,
  randomBytes: RandomBytes,
): Encryption {
  if (!Array.isArray(keys) || keys.length === 0)
    throw new DefinitionError("encryption", "keys: must be a list of at least one key");
  const problems: string[] = [];
  const ids = new Set<string>();
  const checked = keys.flatMap(({ id, key }, i): CipherKey[] => {
    if (typeof id !== "string" || !ID.test(id))
      problems.push(`keys[${i}].id: must be 1 to 32 letters, digits, dots, hyphens, underscores`);
    else if (ids.has(id)) problems.push(`keys[${i}].id: must be the id of one key only`);
    ids.add(id);
    const imported = importerOf(key);
    if (imported !== undefined) return [{ id, key: imported }];
    problems.push(
      `keys[${i}].key: must be 32 bytes, their base64, or a CryptoKey of AES-GCM with 256 bits that encrypts and decrypts`,
    );
    return [];
  });
  if (problems.length > 0) throw new DefinitionError("encryption", problems.join("; "));

  return {
    open(namespace, { edge, store }) {
      const cipher = createEntryCipher(namespace, checked, randomBytes);
      return {
        edge: encryptedTier(edge, cipher),
        store: encryptedStore(store, cipher),
        flightsOf: (port) => encryptedFlights(port, cipher),
      };
    },
  };
}

/** Returns the function that imports a key once, or undefined if it is no key. */
function importerOf(key: EncryptionKey["key"]): CipherKey["key"] | undefined {
  if (key instanceof CryptoKey) return isUsable(key) ? async () => key : undefined;
  const bytes = bytesOf(key);
  if (bytes?.length !== KEY_BYTES) return undefined;
  let imported: Promise<CryptoKey> | undefined;
  return () =>
    (imported ??= crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]));
}

function isUsable({ algorithm, usages }: CryptoKey): boolean {
  const { name, length } = algorithm as { name: string; length?: number };
  return (
    name === "AES-GCM" &&
    length === KEY_BYTES * 8 &&
    usages.includes("encrypt") &&
    usages.includes("decrypt")
  );
}

/** Returns a copy, so that a program that overwrites its bytes later changes no key. */
function bytesOf(key: unknown): Uint8Array<ArrayBuffer> | undefined {
  try {
    if (typeof key === "string") return Uint8Array.from(fromBase64(key.trim()));
    return key instanceof Uint8Array ? Uint8Array.from(key) : undefined;
  } catch {
    return undefined;
  }
}

/** Reports an entry that no key decrypts. The read goes on as after a miss. */
function reportUndecryptable(key: string, tier: "edge" | "redis", ctx: Context): undefined {
  ctx.emit({ type: "entry.reject", key, tier, reason: "undecryptable" });
  return undefined;
}

function encryptedTier(tier: Tier, { seal, unseal }: EntryCipher): Tier {
  return {
    name: tier.name,
    async get(key, ctx) {
      const found = await tier.get(key, ctx);
      if (!found.ok || found.value === undefined) return found;
      return done((await unseal(found.value)) ?? reportUndecryptable(key, "edge", ctx));
    },
    set: async (entry, ctx, keepMs) => tier.set(await seal(entry), ctx, keepMs),
    delete: tier.delete,
  };
}

function encryptedStore(store: SharedStore, { seal, unseal }: EntryCipher): SharedStore {
  async function opened(found: Verified | undefined, ctx: Context): Promise<Verified | undefined> {
    if (found === undefined) return undefined;
    const entry = await unseal(found.entry);
    if (entry === undefined) return reportUndecryptable(found.entry.key, "redis", ctx);
    return { ...found, entry };
  }
  return {
    ...store,
    async read(keys, since, ctx) {
      const result = await store.read(keys, since, ctx);
      if (!result.ok) return result;
      const { found, log } = result.value;
      return done({ found: await Promise.all(found.map((one) => opened(one, ctx))), log });
    },
    write: async (entries, ctx) => store.write(await Promise.all(entries.map(seal)), ctx),
  };
}

function encryptedFlights(port: FlightPort, { seal, unseal }: EntryCipher): FlightPort {
  /** Changes the entry of a landing. A follower of a landing that it cannot read loads by itself. */
  async function changed(
    key: string,
    landing: FlightResult,
    change: (entry: Entry) => Promise<Entry | undefined>,
  ): Promise<FlightResult> {
    if (landing.kind !== "entry") return landing;
    const entry = decodeEntry(key, landing.entry);
    const other = entry && (await change(entry));
    return other === undefined
      ? { kind: "uncacheable", oneOff: true }
      : { ...landing, entry: encodeEntry(other) };
  }
  return {
    async join(scope, request, ctx, onWait) {
      const joined = await port.join(scope, request, ctx, onWait);
      if (!joined.ok || joined.value.role !== "follower") return joined;
      const landing = await changed(request.key, joined.value.landing, unseal);
      return done({ ...joined.value, landing });
    },
    async land(scope, request, ctx) {
      const landing = await changed(request.key, request.landing, seal);
      return port.land(scope, { ...request, landing }, ctx);
    },
  };
}
