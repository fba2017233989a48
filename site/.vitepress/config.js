/** The site of the documentation: the pages of docs/, with a search and a table of contents. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { defineConfig } from "vitepress";

/** `npm run site` copies docs/ to this folder. */
const DOCS = join(import.meta.dirname, "../pages");

/** Returns the first heading of a page. */
function titleOf(path) {
  const heading = /^# (.+)$/m.exec(readFileSync(join(DOCS, path), "utf8"));
  return heading?.[1]?.replaceAll("`", "") ?? path;
}

/** Returns the pages of a folder, in the order of their file names. */
function pagesIn(folder) {
  return readdirSync(join(DOCS, folder))
    .filter((file) => file.endsWith(".md") && file !== "README.md")
    .toSorted()
    .map((file) => join(folder, file))
    .map((path) => ({ text: titleOf(path), link: `/${path.replace(/\.md$/, "")}` }));
}

const section = (text, folder, collapsed = false) => ({
  text,
  collapsed,
  items: pagesIn(folder),
});

/**
 * Shows links to files outside docs/, such as sources and tests, as text: they are not pages of the site.
 * The build fails at every other link that leads nowhere.
 */
function unlinkOutside(state) {
  const page = state.env.relativePath ?? "";
  for (const { children } of state.tokens) {
    if (children === null) continue;
    let isOutside = false;
    for (const token of children) {
      if (token.type === "link_open") {
        const href = token.attrGet("href") ?? "";
        isOutside = !/^[a-z]+:|^[#/]/.test(href) && join(dirname(page), href).startsWith("..");
      }
      const isLink = token.type === "link_open" || token.type === "link_close";
      if (isLink && isOutside)
        Object.assign(token, { type: "text", content: "", nesting: 0, tag: "" });
      if (token.type === "link_close") isOutside = false;
    }
  }
}

export default defineConfig({
  title: "Strata",
  description: "A cache for Cloudflare Workers: memory, the edge, a shared store and the origin",
  srcDir: "pages",
  outDir: "dist",
  cacheDir: "./node_modules/.cache/vitepress",
  rewrites: { "README.md": "index.md", ":folder/README.md": ":folder/index.md" },
  lastUpdated: false,
  markdown: { config: (markdown) => markdown.core.ruler.push("outside-links", unlinkOutside) },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    sidebar: [
      section("Guides", "guides"),
      section("How it works", "."),
      section("Operations", "operations"),
      section("Runbooks and figures", "reviews", true),
      section("Entries of the package", "reference/entries"),
      section("The entry strata/worker", "reference"),
      section("Decisions", "decisions", true),
    ],
  },
});
