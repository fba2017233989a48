/** The front door in a real Chromium, and the shop demo on screens of all kinds. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { UNREADABLE_TEXT } from "./support/contrast.ts";
import { choose, createFrontPages, fits, type FrontPages } from "./support/front-pages.ts";
import { ROOT, startProduct, type Product } from "./support/product.ts";

/** The folder for screenshots. SCREENSHOTS=docs/operations/images renews those of the docs. */
const IMAGES = join(ROOT, process.env["SCREENSHOTS"] ?? ".strata/screenshots");

let product: Product;
let browser: Browser;
let open: FrontPages["open"];
let openDemo: FrontPages["openDemo"];
beforeAll(async () => {
  mkdirSync(IMAGES, { recursive: true });
  product = await startProduct({ instances: 1 });
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  ({ open, openDemo } = createFrontPages(browser, product.urls[0] ?? ""));
});
afterAll(async () => {
  await browser?.close();
  await product?.stop();
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});

/** A level other than the first occurs at the start of a busy machine. */
const STATE = /^(?:Normal|Degraded): /;

describe("the front door", () => {
  it("the front door shows the state and the routes of the Worker, and each of its links leads to a page that answers 200", async () => {
    const { page, complaints } = await open("/");
    await page.getByText(STATE).waitFor();
    await page.getByText("GET /products/{id}", { exact: true }).waitFor();
    await page.getByText("X-Cache-Status", { exact: true }).waitFor();
    const links: string[] = await page.evaluate(
      "[...document.querySelectorAll('main a[href]')].map(({ href }) => href)",
    );
    expect(links.map((link) => new URL(link).pathname)).toEqual(
      expect.arrayContaining(["/demo", "/dashboard", "/docs", "/openapi.json", "/health"]),
    );
    for (const link of new Set(links)) {
      const answer = await page.goto(link);
      expect(answer?.status(), link).toBe(200);
      await page.goBack();
      await page.getByText(STATE).waitFor();
    }
    expect(complaints).toEqual([]);
  });

  it("after a reload of the front door and of the demo, whose answers are 304, the pages still have their styles and scripts", async () => {
    for (const path of ["/", "/demo"]) {
      const { page, complaints } = await open(path);
      const again = page.waitForRequest((request) => new URL(request.url()).pathname === path);
      const style = page.waitForResponse((response) => response.url().endsWith("/style.css"));
      await page.reload();
      expect(await (await again).headerValue("If-None-Match")).toMatch(/^"/);
      expect((await style).status()).toBe(304);
      await page
        .locator(path === "/" ? "#routes li" : "#products li")
        .first()
        .waitFor();
      expect(await page.evaluate("getComputedStyle(document.body).marginTop")).toBe("0px");
      expect(complaints).toEqual([]);
    }
  });
});

describe("the pages of the front door", () => {
  it("the front door and the shop demo fit a computer and a phone, and their text has a contrast of at least 4.5 in light and dark", async () => {
    const phone = { width: 390, height: 844 };
    for (const colorScheme of ["light", "dark"] as const) {
      const front = await open("/", { colorScheme });
      await front.page.locator("#routes li").first().waitFor();
      await front.page.getByText(STATE).waitFor();
      await front.page.screenshot({ path: join(IMAGES, `front-${colorScheme}.png`) });
      const demo = await openDemo({ colorScheme });
      await choose(demo.page, 1);
      await demo.page.getByRole("button", { name: "Read again" }).click();
      await demo.page.locator("[data-cache=HIT]").first().waitFor();
      const ground = "getComputedStyle(document.body).backgroundColor";
      const isDark = colorScheme === "dark";
      expect(await demo.page.evaluate(ground)).toBe(
        isDark ? "rgb(20, 22, 26)" : "rgb(247, 247, 245)",
      );
      for (const { page } of [front, demo]) {
        expect(await page.evaluate(UNREADABLE_TEXT)).toEqual([]);
        expect(await fits(page), "the page fits the width of a computer").toBe(true);
      }
      if (!isDark) {
        await demo.page.evaluate("document.activeElement.blur(); scrollTo(0, 0)");
        await demo.page.screenshot({ path: join(IMAGES, "demo-light.png"), fullPage: true });
      }
      for (const { page } of [front, demo]) {
        await page.setViewportSize(phone);
        expect(await fits(page), "the page fits the width of a phone").toBe(true);
      }
      if (!isDark) {
        await demo.page.evaluate("document.getElementById('product-title').scrollIntoView()");
        await demo.page.screenshot({ path: join(IMAGES, "demo-phone.png") });
      }
      expect([...front.complaints, ...demo.complaints]).toEqual([]);
    }
  });

  it("every control of the front door and the shop demo has an accessible name, and each page has one h1 heading", async () => {
    for (const path of ["/", "/demo"]) {
      const { page } = await open(path);
      const nameless = await page.evaluate(`
        [...document.querySelectorAll("a, button, input, select, nav")].filter((element) =>
          !(element.labels?.length > 0 || element.textContent.trim() || element.getAttribute("aria-label"))
        ).map((element) => element.outerHTML)`);
      expect(nameless).toEqual([]);
      expect(await page.locator("h1").count()).toBe(1);
    }
  });
});

// The last tests, because isolates need some seconds to come back to the level normal.
describe("the front door during a fault", () => {
  it("the front door says which dependency fails, and since when", async () => {
    await product.services.fault("redis", { errorRate: 1 });
    try {
      const { page } = await open("/");
      await expect
        .poll(
          async () => {
            await page.reload();
            await page.locator("#routes li").first().waitFor();
            await page.locator("#state:not(:has(a))").waitFor();
            return page.locator("#dependencies").innerText();
          },
          { timeout: 30_000 },
        )
        .toMatch(/Redis\s+down since \d\d:\d\d:\d\d UTC/);
      expect(await page.locator("#state").innerText()).toMatch(/^Degraded: /);
    } finally {
      await product.services.heal();
      const state = async () => (await product.client().get(0, "/health")).body;
      await expect.poll(state, { timeout: 30_000 }).toContain('"level":"normal"');
    }
  });
});
