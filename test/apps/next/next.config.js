/** @type {import("next").NextConfig} */
export default {
  // Git, the linter and the formatter ignore this name.
  distDir: "dist",
  // A build from nothing is quicker without it.
  experimental: { turbopackFileSystemCacheForBuild: false },
  turbopack: { root: `${import.meta.dirname}/../../..` },
  cacheHandler: import.meta.resolve("./strata-cache-handler.js"),
  async headers() {
    return [
      // Each page has the tag that revalidatePath() of its path invalidates.
      { source: "/:path*", headers: [{ key: "Cache-Tag", value: "_N_T_/:path*" }] },
      // The last rule that matches sets the field, so it repeats the tag of the path.
      { source: "/news/:slug", headers: [{ key: "Cache-Tag", value: "_N_T_/news/:slug, news" }] },
    ];
  },
};
