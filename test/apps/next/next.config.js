/** @type {import("next").NextConfig} */
export default {
  // Git, the linter and the formatter ignore this name.
  distDir: "dist",
  // A build from nothing is quicker without it.
  experimental: { turbopackFileSystemCacheForBuild: false },
  turbopack: { root: `${import.meta.dirname}/../../..` },
  cacheHandler: import.meta.resolve("./strata-cache-handler.js"),
  async headers() {
    const tagged = (source, tags) => ({ source, headers: [{ key: "Cache-Tag", value: tags }] });
    return [
      // The tags that revalidatePath() of the page's path invalidates, and revalidatePath("/", "layout").
      tagged("/", "_N_T_/, _N_T_/layout"),
      tagged("/:path+", "_N_T_/:path+, _N_T_/layout"),
      // The last rule that matches sets the field, so it repeats these tags. "news" is that of fetch().
      tagged("/news/:slug", "_N_T_/news/:slug, _N_T_/layout, news"),
    ];
  },
};
