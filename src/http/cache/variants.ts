/** The list of a resource's variants, stored under its primary key (RFC 9111, 4.1). */
import type { Entry, StorableResult, Variant } from "../../core/entry.ts";
import type { EpochMs } from "../../core/time.ts";
import type { FieldReader } from "../rfc/fields.ts";
import { isWantedMost, matches, selectorsOf, type Selectors } from "../rfc/vary.ts";
import { sha256Hex } from "../../core/sha256.ts";

/** The key of one variant under its primary key. */
export async function variantKey(primary: string, selectors: Selectors): Promise<string> {
  return `${primary}:vary-${(await sha256Hex(JSON.stringify(selectors))).slice(0, 40)}`;
}

/** Variants of one resource; beyond it the oldest are forgotten. */
const MAX_VARIANTS = 64;

export function variantsOf(entry: Entry | undefined): readonly Variant[] | undefined {
  return entry?.http?.variants;
}

/** The newest variant that the request selects, if one is stored. */
export function selectVariant(
  variants: readonly Variant[],
  request: FieldReader,
): Variant | undefined {
  return (
    variants.find(({ selectors }) => matches(selectors, request)) ?? byLanguage(variants, request)
  );
}

/** A variant in the very language that the request wants most, all other fields matching. */
function byLanguage(variants: readonly Variant[], request: FieldReader): Variant | undefined {
  const wanted = request.get("Accept-Language");
  return variants.find(({ selectors, language }) => {
    const others = selectors.filter(([name]) => name !== "accept-language");
    return (
      others.length < selectors.length && isWantedMost(wanted, language) && matches(others, request)
    );
  });
}

/** What the newest variant was selected by, as this request has it: where to look and whom to wait for. */
export function likelySelectors(variants: readonly Variant[], request: FieldReader) {
  return selectorsOf(variants[0]?.selectors.map(([name]) => name) ?? [], request);
}

/** Entity tags by which the origin may name a stored variant (4.1, last paragraph). */
export function variantTags(variants: readonly Variant[]): string[] {
  return [...new Set(variants.map(({ etag }) => etag).filter((etag) => etag !== ""))];
}

/** The list with one more, as the material of an entry. It is never stale: its variants are. */
export function listOf(known: readonly Variant[], added: Variant, now: EpochMs): StorableResult {
  const others = known.filter(({ key, deleteAt }) => key !== added.key && deleteAt > now);
  const variants = [added, ...others].slice(0, MAX_VARIANTS);
  const end = Math.max(...variants.map(({ deleteAt }) => deleteAt));
  return {
    storable: true,
    kind: "value",
    body: "",
    http: { status: 200, headers: [], variants },
    etag: "",
    invalidationKeys: [],
    lifetimes: { freshUntil: end, staleUntil: end, errorUntil: end, deleteAt: end },
  };
}
