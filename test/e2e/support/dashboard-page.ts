/** The dashboard in a page of a browser, for tests. */
import type { Browser, Page } from "playwright-core";

export interface Opened {
  readonly page: Page;
  /** Errors and warnings that the browser printed. */
  readonly complaints: string[];
}

/**
 * Notes each text that a chart draws outside its canvas. The labels of the axes are texts on a canvas, so
 * that no element tells whether they are cut off.
 */
const NOTE_CLIPPED = `
  globalThis.clipped = [];
  globalThis.drawn = 0;
  const fillText = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
    const size = this.measureText(text);
    const at = this.getTransform();
    const left = at.a * (x - size.actualBoundingBoxLeft) + at.e;
    const right = at.a * (x + size.actualBoundingBoxRight) + at.e;
    const top = at.d * (y - size.actualBoundingBoxAscent) + at.f;
    const bottom = at.d * (y + size.actualBoundingBoxDescent) + at.f;
    const { width, height } = this.canvas;
    globalThis.drawn += 1;
    if (left < -0.5 || right > width + 0.5 || top < -0.5 || bottom > height + 0.5)
      globalThis.clipped.push(text);
    return fillText.call(this, text, x, y);
  };`;

export type BrowserPageOptions = NonNullable<Parameters<Browser["newPage"]>[0]>;

/** Opens the dashboard, and waits for its live feed. */
export async function openDashboard(
  browser: Browser,
  url: string,
  options: BrowserPageOptions = {},
): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  await page.addInitScript(NOTE_CLIPPED);
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(`${url}/dashboard`);
  await page.getByText("live", { exact: true }).waitFor();
  return { page, complaints };
}
