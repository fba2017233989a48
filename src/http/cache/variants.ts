/** The list of a resource's variants, which is stored under the resource's key (RFC 9111, 4.1). */
import type { Entry, StorableResult, Variant } from "../../core/entry.ts";
import { sha256Hex } from "../../core/sha256.ts";
import type { EpochMs } from "../../core/time.ts";
import type { FieldReader } from "../rfc/fields.ts";
import { acceptsCoding } from "../rfc/preferences.ts";
import { isPreferredLanguage, matches, selectorsOf, type Selectors } from "../rfc/vary.ts";

/**
 * Makes the key of one variant: the resource's key, followed by a hash of the request fields that
 * select the variant.
 */
export async function variantKey(primary: string, selectors: Selectors): Promise<string> {
  return `${primary}:vary-${(await sha256Hex(JSON.stringify(selectors))).slice(0, 40)}`;
}

/** The most variants in one list. When the list is full, a new variant replaces the oldest. */
const MAX_VARIANTS = 64;

/** Returns the variants in an entry that is a list of variants; undefined if the entry is a response. */
export function variantsOf(entry: Entry | undefined): readonly Variant[] | undefined {
  return entry?.http?.variants;
}

/** Returns the newest stored variant that the request selects. */
export function selectVariant(
  variants: readonly Variant[],
  request: FieldReader,
): Variant | undefined {
  return (
    variants.find(({ selectors }) => matches(selectors, request)) ?? byLanguage(variants, request)
  );
}

/** Returns a variant in the language that the request prefers, if all other selecting fields match. */
function byLanguage(variants: readonly Variant[], request: FieldReader): Variant | undefined {
  const acceptLanguage = request.get("Accept-Language");
  return variants.find(({ selectors, language }) => {
    const others = selectors.filter(([name]) => name !== "accept-language");
    return (
      others.length < selectors.length &&
      isPreferredLanguage(acceptLanguage, language) &&
      matches(others, request)
    );
  });
}

/**
 * Returns this request's values of the fields that selected the newest variant. If no stored
 * variant matches, the response will probably vary by the same fields. The lookup therefore uses
 * the key of these values, so that equal requests share one load.
 */
export function likelySelectors(variants: readonly Variant[], request: FieldReader): Selectors {
  return selectorsOf(variants[0]?.selectors.map(([name]) => name) ?? [], request);
}

/**
 * Returns the variants by whose entity tags a 304 can select one (RFC 9111, 4.3.1): those whose coding the
 * request accepts. An origin may send one weak tag for all codings of a representation.
 */
export function selectableVariants(
  variants: readonly Variant[],
  request: FieldReader,
): readonly Variant[] {
  const acceptEncoding = request.get("Accept-Encoding");
  return variants.filter(
    ({ etag, encoding }) =>
      etag !== "" && encoding !== undefined && acceptsCoding(acceptEncoding, encoding, false),
  );
}

/**
 * Makes the load result that stores the list with one more variant. The list stays fresh until all
 * of its variants have ended.
 */
export function listWith(listed: readonly Variant[], added: Variant, now: EpochMs): StorableResult {
  const others = listed.filter(({ key, deleteAt }) => key !== added.key && deleteAt > now);
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
