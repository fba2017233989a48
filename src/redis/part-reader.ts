/** Reads the parts of divided entries, with a bound on the characters that one read of the store holds. */
import type { Fault } from "../core/faults.ts";
import { attempt, type RedisClient } from "./client.ts";
import { joinParts, partNamesOf } from "./parts.ts";

/** A stored text with its parts. `incomplete`: a part is not there, cannot be read, or has no room in this read. */
export type WholeText =
  | { readonly kind: "whole"; readonly text: string }
  | { readonly kind: "incomplete"; readonly fault?: Fault };

/** Returns the whole text of each stored one, in their order. A text that is no head of parts is whole. */
export type ReadWhole = (stored: readonly string[]) => Promise<readonly WholeText[]>;

export interface PartReaderOptions {
  readonly redis: Pick<RedisClient, "mget">;
  readonly partKey: (name: string) => string;
  /** The most characters of one part. */
  readonly partChars: number;
  /** The most characters of the parts of one read. The first entry with parts is read in any case. */
  readonly maxChars: number;
}

/** The parts that one request reads have at most this many characters: about 4 MB. One part is read in any case. */
const REQUEST_CHARS = 4 * 2 ** 20;

export function createPartReader(options: PartReaderOptions): ReadWhole {
  const { redis, partKey, partChars, maxChars } = options;
  const partsPerRequest = Math.max(1, Math.floor(REQUEST_CHARS / partChars));

  return async (stored) => {
    const heads = stored.map(partNamesOf);
    const names = withinChars(heads, partChars, maxChars).flat();
    const requests = Array.from({ length: Math.ceil(names.length / partsPerRequest) }, (_, i) =>
      names.slice(i * partsPerRequest, (i + 1) * partsPerRequest),
    );
    const parts = new Map<string, string | null>();
    const faults = new Map<string, Fault>();
    await Promise.all(
      requests.map(async (own) => {
        const read = await attempt(() => redis.mget<(string | null)[]>(...own.map(partKey)));
        for (const [i, name] of own.entries())
          if (read.ok) parts.set(name, read.value[i] ?? null);
          else faults.set(name, read.fault);
      }),
    );

    async function join(head: string, own: readonly string[]): Promise<WholeText> {
      if (own.length === 0) return { kind: "whole", text: head };
      const [fault] = own.flatMap((name) => faults.get(name) ?? []);
      if (fault !== undefined) return { kind: "incomplete", fault };
      const texts = own.map((name) => parts.get(name) ?? null);
      // A replica may have the head before it has the parts, so that the head stays.
      if (texts.includes(null)) return { kind: "incomplete" };
      // A text with a part of another one stays a head, and the codec rejects it.
      return { kind: "whole", text: (await joinParts(head, texts)) ?? head };
    }
    return Promise.all(stored.map((text, i) => join(text, heads[i] ?? [])));
  };
}

/** Leaves out the parts of the entries, in their order, for which a read has no room. */
function withinChars(
  heads: readonly (readonly string[])[],
  partChars: number,
  maxChars: number,
): readonly (readonly string[])[] {
  let chars = 0;
  return heads.map((names) => {
    const own = names.length * partChars;
    if (chars > 0 && chars + own > maxChars) return [];
    chars += own;
    return names;
  });
}
