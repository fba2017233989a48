/** The lifetimes of the shop's data, one row for each kind. docs/strategies.md gives the reasons. */
import type { PolicyOptions } from "../index.ts";

export const CATALOGUE = {
  /** The ids on one page of a list of products, and the response of that page. */
  productList: { freshFor: "5m", staleWhileRevalidate: "1m", staleIfError: "1h" },
  /** The most viewed products. */
  trending: { freshFor: "5m", staleWhileRevalidate: "1m", staleIfError: "1d" },
  product: {
    freshFor: "1h",
    staleWhileRevalidate: "5m",
    staleIfError: "1d",
    negativeFor: "1m",
  },
  categories: { freshFor: "24h", staleWhileRevalidate: "1h", staleIfError: "1d" },
  settings: { freshFor: "24h", staleWhileRevalidate: "1h", staleIfError: "1d" },
  /** The public profile of a user. */
  user: { freshFor: "10m", staleWhileRevalidate: "1m", staleIfError: "1h", negativeFor: "1m" },
  /** A session ends when its user has sent no request for this time. */
  session: { freshFor: "1h" },
} as const satisfies Readonly<Record<string, Omit<PolicyOptions, "tags">>>;
