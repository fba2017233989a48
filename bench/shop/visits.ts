/** The requests that visitors of a shop send, by the pages that they open. */
import { createZipf } from "../support/zipf.ts";

const PRODUCTS = 2_000;
const CATEGORIES = 40;
const USERS = 5_000;
/** A category has about 50 products on 3 pages. */
const PAGES = 3;
const BATCH = 20;

/** The share of each request. A page of the shop asks for its settings and its categories now and then. */
const SHARES = {
  product: 0.4,
  category: 0.16,
  list: 0.06,
  trending: 0.06,
  categories: 0.08,
  settings: 0.08,
  user: 0.12,
  users: 0.01,
  recommendations: 0.03,
} as const;

type Page = keyof typeof SHARES;

export interface Visits {
  /** Returns the path of the next read. */
  next(): string;
  /** Returns the id of a product, by the same distribution. */
  product(): number;
}

/** Creates the visits. Products, categories and users are drawn by Zipf, the first pages more often than the others. */
export function createVisits(dice: () => number): Visits {
  const product = createZipf(PRODUCTS, 0.99, dice);
  const category = createZipf(CATEGORIES, 0.8, dice);
  const user = createZipf(USERS, 0.99, dice);
  const page = createZipf(PAGES, 1.5, dice);
  const pages = Object.entries(SHARES) as [Page, number][];

  function draw(): Page {
    let rest = dice();
    for (const [name, share] of pages) {
      rest -= share;
      if (rest < 0) return name;
    }
    return "product";
  }

  const paths: Readonly<Record<Page, () => string>> = {
    product: () => `/products/${product() + 1}`,
    category: () => `/products?category=${category() + 1}&page=${page() + 1}`,
    list: () => `/products?page=${page() + 1}`,
    trending: () => "/products/trending",
    categories: () => "/categories",
    settings: () => "/settings",
    user: () => `/users/${user() + 1}`,
    users: () => `/users?ids=${Array.from({ length: BATCH }, () => user() + 1).join()}`,
    recommendations: () => `/products/${product() + 1}/recommendations`,
  };
  return { next: () => paths[draw()](), product: () => product() + 1 };
}
