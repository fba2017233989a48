// @ts-check
/** The cache and timing fields of an answer in words and figures. It uses no browser functions. */

/** @type {Record<string, string>} */
const TIERS = {
  memory: "from the memory of the Worker",
  edge: "from the cache of the data centre",
  redis: "from Redis",
  "stale-on-error": "from a stored answer, because the load failed",
};
/** @type {Record<string, string>} */
const CLASSES = { HIT: "good", REVALIDATED: "good", STALE: "warn" };

/**
 * Where an answer came from, by the last member of `Cache-Status`: the member of the nearest cache.
 * @param {{ get(name: string): string | null }} headers
 */
export function sourceOf(headers) {
  const status = headers.get("X-Cache-Status") ?? "";
  const member = (headers.get("Cache-Status") ?? "").split(",").at(-1) ?? "";
  const parts = new Map(
    member.split(";").map((part) => {
      const [name = "", value = ""] = part.trim().split("=");
      return /** @type {[string, string]} */ ([name, value]);
    }),
  );
  const words = [wordsOf(status, parts)];
  if (parts.has("unreachable")) words.push("the invalidation log could not be asked");
  if (parts.has("unconfirmed")) words.push("an unconfirmed write may have changed it");
  const text = words.join("; ");
  return {
    status,
    text: `${text.charAt(0).toUpperCase()}${text.slice(1)}.`,
    className: CLASSES[status] ?? "",
  };
}

/** @param {string} status @param {Map<string, string>} parts */
function wordsOf(status, parts) {
  const tier = TIERS[parts.get("detail") ?? ""] ?? "from the cache";
  switch (status) {
    case "HIT":
      return tier;
    case "STALE":
      return parts.get("detail") === "stale-on-error" ? tier : `stale, ${tier}; a refresh follows`;
    case "REVALIDATED":
      return "from the cache, after the origin confirmed it";
    case "MISS":
      return `from the origin${parts.has("collapsed") ? ", with the load of another request" : ""}${parts.has("stored") ? ", and stored" : ""}`;
    case "BYPASS":
      return "from the origin; the cache was not used";
    default:
      return "the cache was not asked";
  }
}

/**
 * The steps of a request by `Server-Timing`, each with its place in a bar, in percent. Steps may
 * overlap, so the bar is as long as the sum of the steps if that is more than the total.
 * @param {string | null} timing
 */
export function stepsOf(timing) {
  const members = [...(timing ?? "").matchAll(/([\w-]+);dur=([\d.]+)(?:;desc="([^"]*)")?/g)].map(
    ([, name = "", dur = "0", outcome = ""]) => ({ name, ms: Number(dur), outcome }),
  );
  const totalMs = members.find(({ name }) => name === "total")?.ms;
  const steps = members.filter(({ name }) => name !== "total");
  const sum = steps.reduce((all, { ms }) => all + ms, 0);
  const whole = Math.max(sum, totalMs ?? 0);
  let before = 0;
  const placed = steps.map((step) => {
    const x = whole === 0 ? 0 : (100 * before) / whole;
    before += step.ms;
    return { ...step, x, width: whole === 0 ? 0 : (100 * step.ms) / whole };
  });
  return { totalMs, steps: placed };
}
