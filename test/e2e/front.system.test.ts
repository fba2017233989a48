/** The front door and the shop demo in a real Chromium. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { UNREADABLE_TEXT } from "./support/contrast.ts";
import {
  choose,
  createFrontPages,
  fits,
  statuses,
  type FrontPages,
} from "./support/front-pages.ts";
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

describe("the shop demo", () => {
  it("the shop demo shows MISS for the first read of a product and HIT for the second, and lists the last 20 answers with source, steps and time", async () => {
    const { page, complaints } = await openDemo();
    await product.client().write(0, "POST", "/admin/purge", { everything: true });
    await page.getByRole("button", { name: "Next page" }).click();
    await page.getByText(/Page 2 of \d+/).waitFor();
    await choose(page, 4);
    const id = await page.locator("[aria-current=true]").first().getAttribute("data-product");
    const read = `GET /products/${id}`;
    await expect.poll(() => statuses(page, read)).toEqual(["MISS"]);
    await page.getByRole("button", { name: "Read again" }).click();
    await expect.poll(() => statuses(page, read)).toEqual(["HIT", "MISS"]);
    expect(await page.locator("#source").innerText()).toBe("HIT From the memory of the Worker.");
    const answers = page.locator("#answers > li", { has: page.getByText(read, { exact: true }) });
    expect(await answers.first().innerText()).toMatch(
      /From the memory of the Worker\.\s+(?:no steps outside memory|(?:\w+ [\d.]+ ms(?:, )?)+) · [\d.]+ ms in the Worker · \d+ ms in the browser · age \d+ s · \d+ requests left/,
    );
    expect(await answers.last().innerText()).toMatch(
      /From the origin, and stored\.[\s\S]*(?:sql|origin) [\d.]+ ms/,
    );
    expect(await answers.last().locator("rect.step").count()).toBeGreaterThan(0);
    for (let i = 0; i < 25; i++) await page.getByRole("button", { name: "Read again" }).click();
    await expect
      .poll(async () => (await statuses(page, read)).filter((status) => status === "HIT").length)
      .toBe(20);
    expect(await page.locator("#answers > li").count()).toBe(20);
    expect(complaints).toEqual([]);
  });

  it("the shop demo lists the products of the chosen category only", async () => {
    const { page, complaints } = await openDemo();
    await page.getByLabel("Category").selectOption("2");
    await page.getByText("GET /products?page=1&category=2", { exact: true }).waitFor();
    const shown = page.locator("#products button");
    const listed = JSON.parse((await product.client().get(0, "/products?category=2")).body);
    const names = listed.items.map(({ name }: { name: string }) => name);
    await expect.poll(() => shown.locator("span:first-child").allInnerTexts()).toEqual(names);
    expect(complaints).toEqual([]);
  });

  it("a user of the shop demo chooses a product and changes its stock by keyboard alone, and the page forgets the admin token on reload", async () => {
    const { page, complaints } = await openDemo();
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to the products");
    await page.keyboard.press("Enter");
    const focus = async (selector: string): Promise<void> => {
      for (let i = 0; i < 40; i++) {
        if (await page.evaluate(`document.activeElement.matches("${selector}")`)) return;
        await page.keyboard.press("Tab");
      }
      throw new Error(`Tab does not reach ${selector}`);
    };
    await focus("#products li:nth-child(3) button");
    await page.keyboard.press("Enter");
    await page.getByText("Basis: product").waitFor();
    expect(await page.evaluate("document.activeElement.id")).toBe("product-title");
    await focus("#new-stock");
    await page.keyboard.type("4321");
    await focus("#stock-form button");
    await page.keyboard.press("Enter");
    await page.getByText("Enter the admin token first.").waitFor();
    expect(await page.evaluate("document.activeElement.id")).toBe("admin-token");
    await page.keyboard.type(product.adminToken);
    await page.keyboard.press("Enter");
    await page.getByText("Changed. Invalidation: done.").waitFor();
    await expect.poll(() => page.locator("#stock").innerText()).toBe("4321");
    expect((await statuses(page, "GET /products/3"))[0]).toBe("MISS");
    // The second change needs no token, and the field does not show the first.
    await page.getByLabel("New stock").fill("4322");
    expect(await page.getByLabel("Admin token").inputValue()).toBe("");
    await page.getByRole("button", { name: "Change stock" }).click();
    await expect.poll(() => page.locator("#stock").innerText()).toBe("4322");
    const stored: string = await page.evaluate(
      "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href])",
    );
    expect(stored).not.toContain(product.adminToken);
    expect(complaints).toEqual([]);
    await page.reload();
    await page.locator("#products button").first().waitFor();
    await choose(page, 2);
    await page.getByLabel("New stock").fill("1");
    await page.getByRole("button", { name: "Change stock" }).click();
    await page.getByText("Enter the admin token first.").waitFor();
  });

  it("the shop demo shows the reason of a refused change, and the seconds to wait after too many requests", async () => {
    const { page, address } = await openDemo();
    await choose(page, 0);
    await page.getByLabel("New stock").fill("5");
    await page.getByLabel("Admin token").fill("not-the-token");
    await page.getByRole("button", { name: "Change stock" }).click();
    await page.locator("#stock-status", { hasText: "401: " }).waitFor();
    const client = product.client();
    const read = () => client.ask(0, "/products/1", { headers: { "CF-Connecting-IP": address } });
    const refusedRead = async (): Promise<string> => {
      await Promise.all(Array.from({ length: 120 }, read));
      await page.getByRole("button", { name: "Read again" }).click();
      return page.locator("#product-status").innerText();
    };
    await expect.poll(refusedRead, { timeout: 30_000 }).toMatch(/^429: .* Try again in \d+ s\.$/);
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
