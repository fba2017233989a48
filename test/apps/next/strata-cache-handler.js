/**
 * The file cache of Next, which also sends every revalidated tag to Strata. Next calls it for
 * revalidateTag, revalidatePath and updateTag.
 */
import FileSystemCache from "next/dist/server/lib/incremental-cache/file-system-cache.js";

const { STRATA_PURGE_URL, STRATA_ADMIN_TOKEN } = process.env;

export default class StrataCacheHandler extends FileSystemCache.default {
  async revalidateTag(tags, durations) {
    // Strata serves the stale page while Next renders the new one; Next itself must not answer with a
    // stale page then, which Strata would store as a new one.
    const soft = (durations?.expire ?? 0) > 0;
    await super.revalidateTag(tags);
    await purge([tags].flat(), soft);
  }
}

/** @param {readonly string[]} tags */
async function purge(tags, soft) {
  const request = {
    method: "POST",
    headers: { Authorization: `Bearer ${STRATA_ADMIN_TOKEN}`, "Content-Type": "application/json" },
    body: JSON.stringify({ tags, soft }),
  };
  const { ok, status } = await fetch(STRATA_PURGE_URL, request);
  if (!ok) throw new Error(`Strata did not purge ${tags.join(", ")}: ${status}`);
}
