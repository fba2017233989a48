/** The dashboard in a real Chromium: live figures, the admin token, and use by keyboard. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT, startProduct, type Product } from "./support/product.ts";

/** The folder for screenshots. SCREENSHOTS=docs/operations/images renews those of the docs. */
const IMAGES = join(ROOT, process.env["SCREENSHOTS"] ?? ".strata/screenshots");

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

interface Opened {
  readonly page: Page;
  /** Errors and warnings that the browser printed. */
  readonly complaints: string[];
}

async function open(options: Parameters<Browser["newPage"]>[0] = {}): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(`${product.urls[0]}/dashboard`);
  await page.getByText("live", { exact: true }).waitFor();
  return { page, complaints };
}

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
      await page.evaluate("scrollTo(0, 0)");
      await page.screenshot({ path: join(IMAGES, "dashboard-light.png") });
      await dark.page.screenshot({ path: join(IMAGES, "dashboard-dark.png") });
      await phone.page.screenshot({ path: join(IMAGES, "dashboard-phone.png") });
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
    await page.getByLabel("Key, tag or prefix").fill("product:77");
    await page.getByRole("button", { name: "Look up key" }).focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => status.innerText()).toContain("401");

    await useToken(product.adminToken);
    await page.getByRole("button", { name: "Look up key" }).focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => status.innerText()).toContain("Looked up product:77");
    const memory = page.locator(".tier", { has: page.getByRole("heading", { name: "memory" }) });
    expect(await memory.innerText()).toMatch(/valid[\s\S]*product:77/);

    await page.getByRole("button", { name: "Purge", exact: true }).focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => status.innerText()).toContain("Purged product:77: done");
    const again = await product.client().get(0, "/products/77");
    expect(again.headers["x-cache-status"]).toBe("MISS");
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
