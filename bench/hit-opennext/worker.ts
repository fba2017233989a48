/**
 * The subject of `hit` whose cache is OpenNext's regional cache, in front of a store in memory. It has a Worker of its own,
 * because support/opennext.ts installs the package beside this file.
 */
import { withRegionalCache } from "@opennextjs/cloudflare/overrides/incremental-cache/regional-cache";

interface Env {
  readonly BODY: string;
  /** The fields of the answer, as JSON: names and values. */
  readonly FIELDS: string;
}

type Fields = Readonly<Record<string, string>>;

/** The context of the request, where the package looks for `waitUntil`. */
const CONTEXT = Symbol.for("__cloudflare-context__");
const KEY = "products/42";

interface Entry {
  readonly value: unknown;
  readonly lastModified: number;
}

const entries = new Map<string, Entry>();
const store = {
  name: "memory",
  get: (key: string) => Promise.resolve(entries.get(key) ?? null),
  set: (key: string, value: unknown) =>
    Promise.resolve(void entries.set(key, { value, lastModified: Date.now() })),
  delete: (key: string) => Promise.resolve(void entries.delete(key)),
};
// A hit reads the store again by default, to refresh the entry in the Cache API.
const regional = withRegionalCache<{ body: string }>(store, {
  mode: "long-lived",
  shouldLazilyUpdateOnCacheHit: false,
});

let fields: Fields | undefined;

export default {
  async fetch(_request, env, ctx) {
    Object.assign(globalThis, { [CONTEXT]: { env, ctx } });
    const headers = (fields ??= JSON.parse(env.FIELDS) as Fields);
    const found = await regional.get(KEY, "cache");
    if (found !== null) return new Response(found.value.body, { headers });
    const page = { type: "route", body: env.BODY, meta: { status: 200 }, revalidate: 3_600 };
    await regional.set(KEY, page, "cache");
    return new Response(env.BODY, { headers });
  },
} satisfies ExportedHandler<Env>;
