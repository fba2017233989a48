/** The dashboard in a real Chromium: live figures, the admin token, and use by keyboard. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDashboard, type BrowserPageOptions, type Opened } from "./support/dashboard-page.ts";
import { ROOT, startProduct, type Product } from "./support/product.ts";

/** The folder for screenshots. SCREENSHOTS=docs/operations/images renews those of the docs. */
const IMAGES = join(ROOT, process.env["SCREENSHOTS"] ?? ".strata/screenshots");

/** A busy machine answers late. */
const PATIENT = { timeout: 20_000 };

let product: Product;
let browser: Browser;
beforeAll(async () => {
  mkdirSync(IMAGES, { recursive: true });
  product = await startProduct({ instances: 1 });
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
});
afterAll(async () => {
  await browser?.close();
  await product?.stop();
});

const open = (options?: BrowserPageOptions): Promise<Opened> =>
  openDashboard(browser, product.urls[0] ?? "", options);

/** Reads products with two workers until `stop` is called. */
function load(): { stop(): Promise<void> } {
  let client = product.client();
  let running = true;
  const worker = async (): Promise<void> => {
    for (let i = 0; running; i++) {
      const kind = i % 10;
      // The rate limit of one client is 100 requests a minute.
      if (i % 40 === 39) client = product.client();
      if (kind === 9) await client.get(0, `/products/${500 + (i % 400)}`);
      else await client.get(0, `/products/${1 + kind}`);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
  };
  const work = Promise.all([worker(), worker()]);
  return {
    async stop() {
      running = false;
      await work;
    },
  };
}

const text = (page: Page, id: string) => page.locator(`#${id}`).innerText();

describe("the dashboard", () => {
  it("the dashboard shows live figures under load, on a computer and a phone, light and dark, without an error", async () => {
    const traffic = load();
    try {
      const light = await open({ colorScheme: "light" });
      const dark = await open({ colorScheme: "dark" });
      const phone = await open({ viewport: { width: 390, height: 844 }, colorScheme: "light" });
      const { page } = light;
      await expect
        .poll(() => text(page, "request-rate"), { timeout: 20_000 })
        .toMatch(/[1-9].*\/s/);
      await expect.poll(() => text(page, "hit-ratio"), { timeout: 20_000 }).toMatch(/[1-9].* %/);
      const chart = page.locator('[data-chart="tiers"] canvas');
      const before = await chart.screenshot();
      await expect
        .poll(async () => Buffer.compare(await chart.screenshot(), before), { timeout: 20_000 })
        .not.toBe(0);
      await expect.poll(() => text(page, "hot-keys"), { timeout: 20_000 }).toContain("product:");
      await expect.poll(() => page.locator("#requests > li").count()).toBeGreaterThan(3);
      for (const opened of [light, dark, phone]) {
        const wide = await opened.page.evaluate(
          "document.documentElement.scrollWidth <= innerWidth",
        );
        expect(wide, "the page fits the width of the screen").toBe(true);
      }
      await page.locator("#requests summary", { hasText: "miss" }).first().click();
      await page.locator("#requests details[open] .track .done").first().waitFor();
      // An open request stays in the list, however many requests come.
      const read = await page.locator("#requests li:has(details[open])").getAttribute("data-trace");
      // The screenshots show at least 20 s of data.
      const drawn = page.locator('[data-chart="tiers"][data-points]');
      await expect
        .poll(async () => Number(await drawn.getAttribute("data-points")), { timeout: 60_000 })
        .toBeGreaterThan(20);
      const still = page.locator(`#requests li[data-trace="${read}"] details[open]`);
      expect(await still.count()).toBe(1);
      for (const opened of [light, dark, phone]) {
        expect(await opened.page.evaluate("globalThis.drawn")).toBeGreaterThan(20);
        expect(await opened.page.evaluate("globalThis.clipped"), "labels of axes").toEqual([]);
      }
      // A page that is opened now begins with the traffic of before: its own figures are at most 2 s old.
      const openedAt = Date.now() / 1000;
      const late = await open();
      const from = late.page.locator('[data-chart="requests"][data-from]');
      await expect
        .poll(async () => openedAt - Number(await from.getAttribute("data-from")), {
          timeout: 20_000,
        })
        .toBeGreaterThan(5);
      await late.page.close();
      // The colours of the page follow the system.
      const background = "getComputedStyle(document.body).backgroundColor";
      const inLight = await page.evaluate(background);
      const drawing = await page.locator('[data-chart="latency"] canvas').screenshot();
      await page.emulateMedia({ colorScheme: "dark" });
      expect(await page.evaluate(background)).not.toBe(inLight);
      const inDark = await page.locator('[data-chart="latency"] canvas').screenshot();
      expect(Buffer.compare(inDark, drawing)).not.toBe(0);
      await page.emulateMedia({ colorScheme: "light" });
      await page.evaluate("scrollTo(0, 0)");
      await page.screenshot({ path: join(IMAGES, "dashboard-light.png") });
      await dark.page.screenshot({ path: join(IMAGES, "dashboard-dark.png") });
      await phone.page.screenshot({ path: join(IMAGES, "dashboard-phone.png") });
      await page.locator(".charts").screenshot({ path: join(IMAGES, "dashboard-charts.png") });
      expect([...light.complaints, ...dark.complaints, ...phone.complaints]).toEqual([]);
    } finally {
      await traffic.stop();
    }
  });

  it("the dashboard rejects a wrong admin token, and a user with the right token can look up and purge a key by keyboard alone", async () => {
    await product.client().get(0, "/products/77");
    const { page } = await open();
    const status = page.locator("#inspect-status");
    const useToken = async (token: string): Promise<void> => {
      await page.getByLabel("Admin token").focus();
      await page.keyboard.type(token);
      await page.keyboard.press("Enter");
    };
    await useToken("not-the-token");
    await page.getByLabel("Key, tag, prefix or path").fill("product:77");
    await page.getByRole("button", { name: "Look up key" }).focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => status.innerText(), PATIENT).toContain("401");

    await useToken(product.adminToken);
    await page.getByRole("button", { name: "Look up key" }).focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => status.innerText(), PATIENT).toContain("Looked up product:77");
    const memory = page.locator(".tier", { has: page.getByRole("heading", { name: "memory" }) });
    expect(await memory.innerText()).toMatch(/valid[\s\S]*product:77/);

    await page.getByRole("button", { name: "Purge", exact: true }).focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => status.innerText(), PATIENT).toContain("Purged product:77: done");
    const why = async (question: string): Promise<string> => {
      await page.getByLabel("Key, tag, prefix or path").fill(question);
      await page.getByRole("button", { name: "Why?" }).focus();
      await page.keyboard.press("Enter");
      await expect.poll(() => status.innerText(), PATIENT).toContain(`Explained ${question}`);
      return text(page, "tiers");
    };
    expect(await why("product:77")).toContain("invalidated by the key product:77");
    const again = await product.client().get(0, "/products/77");
    expect(again.headers["x-cache-status"]).toBe("MISS");
    expect(await why("/products/77")).toMatch(
      /the last miss[\s\S]*invalidated by the key product:77/,
    );
    await page.locator("#inspector").scrollIntoViewIfNeeded();
    await page
      .locator("section", { has: page.locator("#inspector") })
      .last()
      .screenshot({ path: join(IMAGES, "dashboard-why.png") });
  });

  it("the dashboard says in words since when Redis is away and how old answers may be, and stops when Redis is back", async () => {
    const traffic = load();
    try {
      const { page } = await open();
      await product.services.fault("redis", { status: 500 });
      await expect
        .poll(() => text(page, "meanings"), { timeout: 60_000 })
        .toMatch(/Redis is away since \d\d:\d\d.*; answers may be up to 60 s old/);
      await page.screenshot({ path: join(IMAGES, "dashboard-outage.png") });
      await product.services.heal();
      await expect.poll(() => text(page, "meanings"), { timeout: 60_000 }).not.toContain("Redis");
      // The timeline keeps the outage.
      expect(await page.locator("#level-strip rect.degraded").count()).toBeGreaterThan(0);
    } finally {
      await product.services.heal();
      await traffic.stop();
    }
  });

  it("every control of the dashboard has an accessible name, and the page has one h1 heading", async () => {
    const { page } = await open();
    const nameless = await page.evaluate(`
      [...document.querySelectorAll("button, input, select, [role=img], table")].filter((element) =>
        !(element.labels?.length > 0 || element.textContent.trim() || element.getAttribute("aria-label"))
      ).map((element) => element.outerHTML)`);
    expect(nameless).toEqual([]);
    expect(await page.locator("h1").count()).toBe(1);
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to the figures");
  });
});

describe("the admin API", () => {
  it("the admin API rejects a request without the admin token with 401, even in development", async () => {
    // In development the figures need no token. Tests of the routes show that the same guard protects them.
    const answer = await product.client().get(0, "/admin/entry?key=product:1");
    expect(answer.status).toBe(401);
  });
});
