/** The rows and the comparison of the dashboard in a real Chromium, filled by real traffic. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDashboard } from "./support/dashboard-page.ts";
import { openListener } from "./support/live-listener.ts";
import { ROOT, startProduct, type Product } from "./support/product.ts";

/** The folder for screenshots. SCREENSHOTS=docs/operations/images renews those of the docs. */
const IMAGES = join(ROOT, process.env["SCREENSHOTS"] ?? ".strata/screenshots");

/** A busy machine answers late. */
const PATIENT = { timeout: 20_000 };

let product: Product;
let browser: Browser;
beforeAll(async () => {
  mkdirSync(IMAGES, { recursive: true });
  product = await startProduct({
    instances: 1,
    env: { LLM_INPUT_PRICE: "0.15", LLM_OUTPUT_PRICE: "0.6" },
  });
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
});
afterAll(async () => {
  await browser?.close();
  await product?.stop();
});

const json = { "Content-Type": "application/json" };

/** Returns the value of one row of the tables of groups; 0 without the row. */
async function figure(page: Page, group: string, row: string): Promise<number> {
  const value = page
    .locator("#groups > section", { has: page.getByRole("heading", { name: group }) })
    .getByRole("row", { name: row })
    .locator("td");
  if ((await value.count()) === 0) return 0;
  return Number((await value.first().innerText()).replaceAll(",", ""));
}

describe("the rows of the dashboard", () => {
  it("a sign-in, a stock update with a listener and a chat question that is asked twice fill the rows of sessions, live stock and answers of models", async () => {
    const { page, complaints } = await openDashboard(browser, product.urls[0] ?? "");
    const client = product.client();
    const post = (path: string, value: object, headers: Readonly<Record<string, string>> = {}) =>
      client.ask(0, path, {
        method: "POST",
        headers: { ...json, ...headers },
        body: JSON.stringify(value),
      });

    const signedIn = await post("/sessions", { userId: 7 });
    expect(signedIn.status, signedIn.body).toBe(201);
    const Cookie = (signedIn.headers["set-cookie"] ?? "").split(";")[0] ?? "";
    const current = await client.ask(0, "/sessions/current", { headers: { Cookie } });
    expect(current.status).toBe(200);

    const listener = await openListener({
      url: product.urls[0] ?? "",
      productId: 11,
      transport: "stream",
      address: "198.19.7.1",
    });
    const written = await client.write(0, "PATCH", "/products/11/stock", { delta: 1 });
    expect(written.status, written.body).toBe(200);
    await listener.heard(1);

    const question = { persona: "guide", message: "What is a lantern for?" };
    for (const status of ["MISS", "HIT"]) {
      const answer = await post("/chat", question);
      expect(answer.status, answer.body).toBe(200);
      expect(answer.headers["x-cache-status"]).toBe(status);
    }

    const rows: readonly (readonly [string, string])[] = [
      ["Sessions", "sessions: create"],
      ["Sessions", "sessions: read"],
      ["Live stock", "connections: snapshot"],
      ["Live stock", "updates: done"],
      ["Answers of models", "answers: call"],
      ["Answers of models", "answers: hit"],
      ["Answers of models", "tokens: spent"],
      ["Answers of models", "tokens: saved"],
      ["Answers of models", "dollars: spent"],
      ["Answers of models", "dollars: saved"],
    ];
    for (const [group, row] of rows)
      await expect
        .poll(() => figure(page, group, row), { ...PATIENT, message: `${group}: ${row}` })
        .toBeGreaterThan(0);
    expect(complaints).toEqual([]);
    listener.close();
  });
});

describe("the comparison of the dashboard", () => {
  it("an operator compares a small memory with the one of now, and sees fewer answers of memory, a mistake in words, and a page that fits a phone", async () => {
    // Each round has an address of its own: the rate limit of one client is 100 requests a minute.
    for (let round = 1; round <= 16; round++) {
      const client = product.client();
      // Low ids are read in every round, and the others the more seldom the higher they are.
      for (let id = 1; id <= 40; id++)
        if (round % Math.ceil(id / 5) === 0) await client.get(0, `/products/${id}`);
    }
    const { page, complaints } = await openDashboard(browser, product.urls[0] ?? "", {
      viewport: { width: 390, height: 844 },
    });
    await page.getByLabel("Admin token").fill(product.adminToken);
    await page.getByRole("button", { name: "Use token" }).click();
    const second = page.getByRole("group", { name: "B" });
    await second.getByLabel("Eviction order").selectOption("lru");
    await second.getByLabel("Entries").fill("5");
    await second.getByLabel("freshFor").fill("soon");
    const status = page.locator("#compare-status");
    await page.getByRole("button", { name: "Compare" }).click();
    await expect.poll(() => status.innerText(), PATIENT).toContain("400: b must be");
    await second.getByLabel("freshFor").fill("5m");
    await page.getByRole("button", { name: "Compare" }).click();
    await expect
      .poll(() => status.innerText(), PATIENT)
      .toMatch(/^Simulated with \d+ of \d+ reads of product in 1 isolate, .* all keys\.$/);
    const row = page.getByRole("row", { name: "answered by memory" });
    const [now = 0, small = 0] = (await row.locator("td").allInnerTexts()).map(Number.parseFloat);
    expect(now).toBeGreaterThan(50);
    expect(small).toBeLessThan(now);
    const wide = await page.evaluate("document.documentElement.scrollWidth <= innerWidth");
    expect(wide, "the page fits the width of the screen").toBe(true);
    // The browser itself prints a line for the answer 400.
    expect(complaints.filter((one) => !one.includes("status of 400"))).toEqual([]);
    await page.setViewportSize({ width: 1280, height: 900 });
    await page
      .locator("section", { has: page.locator("#compare") })
      .last()
      .screenshot({ path: join(IMAGES, "dashboard-compare.png") });
  });
});
