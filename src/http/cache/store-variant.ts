/** Under which key a response is stored: its resource's own, or that of one of its variants (RFC 9111, 4.1). */
import type { Entry, LoadResult, LoadStamp, StorableResult, Variant } from "../../core/entry.ts";
import type { Policy } from "../../core/policy.ts";
import type { Context } from "../../core/context.ts";
import type { Engine, LoadTask } from "../../engine/lookup.ts";
import { NOT_STORED } from "./cacheable-response.ts";
import { readerOf } from "../rfc/field-reader.ts";
import type { FieldReader } from "../rfc/fields.ts";
import { selectingNames, selectorsOf } from "../rfc/vary.ts";
import { listOf, variantKey, variantsOf } from "./variants.ts";

export interface VariantTarget {
  readonly engine: Engine;
  readonly policy: Policy;
  readonly ctx: Context;
  /** The key of the resource, and the one that was looked up: the same, or a variant's. */
  readonly primary: string;
  readonly key: string;
  /** The variants that the resource's list had. */
  readonly known: readonly Variant[];
  /** The request as whoever made the response saw it. */
  readonly request: FieldReader;
}

/**
 * What a load of `place.key` returns for `made`. Whatever belongs under another
 * key is stored there; then `entry` is what answers the request.
 */
export async function storeVariant(
  made: StorableResult,
  moment: LoadStamp,
  place: VariantTarget,
): Promise<{ readonly loaded: LoadResult; readonly entry?: Entry }> {
  const { engine, policy, ctx, primary, key, known, request } = place;
  const fields = readerOf(made.http?.headers ?? []);
  const names = selectingNames(fields.get("Vary"));
  if (names.length === 0) {
    if (key === primary) return { loaded: made };
    // It varies no more: from now on it is the resource's only response.
    return { loaded: NOT_STORED, entry: engine.put(primary, policy, made, moment, ctx).entry };
  }
  const selectors = selectorsOf(names, request);
  const at = await variantKey(primary, selectors);
  const variant: StorableResult = { ...made, members: [...made.members, `k:${primary}`] };
  const language = fields.get("Content-Language");
  const entry = engine.put(at, policy, variant, moment, ctx).entry;
  const added = { key: at, selectors, etag: made.etag, language, deleteAt: entry.deleteAt };
  // Another request may have added to the list meanwhile.
  const listed =
    key === primary ? known : (variantsOf(await lookUpStored(primary, place)) ?? known);
  const list = listOf(listed, added, ctx.now());
  if (key === primary) return { loaded: list, entry };
  engine.put(primary, policy, list, moment, ctx);
  return at === key ? { loaded: variant } : { loaded: NOT_STORED, entry };
}

/** What the tiers have under a key, however stale; the origin is not asked. */
export async function lookUpStored(
  key: string,
  { engine, policy, ctx }: Pick<VariantTarget, "engine" | "policy" | "ctx">,
): Promise<Entry | undefined> {
  const task: LoadTask = { freshnessOf: () => "fresh", load: () => Promise.resolve(NOT_STORED) };
  return (await engine.lookup(key, policy, task, ctx)).entry;
}
