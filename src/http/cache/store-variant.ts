import type { Context } from "../../core/context.ts";
import type { Entry, LoadResult, LoadStamp, StorableResult, Variant } from "../../core/entry.ts";
import type { Policy } from "../../core/policy.ts";
import type { Engine, Put } from "../../engine/engine.ts";
import type { LoadTask } from "../../engine/lookup-request.ts";
import { readerOf, type FieldReader } from "../rfc/fields.ts";
import { selectingNames, selectorsOf } from "../rfc/vary.ts";
import { NOT_STORED } from "./storage-decision.ts";
import { listWith, variantKey, variantsOf } from "./variants.ts";

/** The lookup whose load made the response. */
export interface VariantTarget {
  readonly engine: Engine;
  readonly policy: Policy;
  readonly ctx: Context;
  /** The key of the resource, without a variant's suffix. */
  readonly primary: string;
  /** The key that was looked up: `primary`, or the key of one of its variants. */
  readonly key: string;
  /** The variants that were in the resource's list when the lookup began. */
  readonly variants: readonly Variant[];
  /** The request fields for which the response was made. */
  readonly request: FieldReader;
}

/**
 * Chooses the key of a response by its Vary: the key of the resource, or the key of a variant (RFC
 * 9111, 4.1). If that is the key that was looked up, the response is the result of the load.
 * Otherwise this function stores the response, and `put` says how.
 */
export async function storeVariant(
  result: StorableResult,
  stamp: LoadStamp,
  target: VariantTarget,
): Promise<{ readonly loaded: LoadResult; readonly put?: Put }> {
  const { engine, policy, ctx, primary, key, variants, request } = target;
  const fields = readerOf(result.http?.headers ?? []);
  const names = selectingNames(fields.get("Vary"));
  if (names.length === 0) {
    if (key === primary) return { loaded: result };
    // The resource had variants before, but this response has no Vary. It becomes the only
    // response.
    return { loaded: NOT_STORED, put: engine.put(primary, policy, result, stamp, ctx) };
  }
  const selectors = selectorsOf(names, request);
  const ownKey = await variantKey(primary, selectors);
  const variant: StorableResult = {
    ...result,
    invalidationKeys: [...result.invalidationKeys, `k:${primary}`],
  };
  const language = fields.get("Content-Language");
  const put = engine.put(ownKey, policy, variant, stamp, ctx);
  const encoding = fields.get("Content-Encoding");
  const { deleteAt } = put.entry;
  const added = { key: ownKey, selectors, etag: result.etag, language, encoding, deleteAt };
  // The list is read again, because another request may have added a variant during the load.
  const listed =
    key === primary ? variants : (variantsOf(await peekStored(primary, target)) ?? variants);
  const list = listWith(listed, added, ctx.now());
  if (key === primary) return { loaded: list, put };
  engine.put(primary, policy, list, stamp, ctx);
  return ownKey === key ? { loaded: variant } : { loaded: NOT_STORED, put };
}

/**
 * Returns the valid entry that a tier holds under a key, even if it is stale. Does not ask the
 * origin, and does not wait for another lookup of the key: that may be the caller's own.
 */
export async function peekStored(
  key: string,
  { engine, policy, ctx }: Pick<VariantTarget, "engine" | "policy" | "ctx">,
): Promise<Entry | undefined> {
  const task: LoadTask = {
    freshnessOf: () => "fresh",
    flightScopeOf: () => "off",
    load: () => Promise.resolve(NOT_STORED),
  };
  return (await engine.lookup(key, policy, task, ctx)).entry;
}
