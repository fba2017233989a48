/**
 * Tests that need programs of the system: Chromium, protoc, promtool, Prometheus. `.ci/run` installs
 * those and runs this; `npm test` needs nothing but npm, and does not.
 */
import { defineConfig } from "vitest/config";

const REPORT = process.env["TEST_REPORT"];

export default defineConfig({
  test: {
    name: "system",
    include: ["test/**/*.system.test.ts"],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    reporters: REPORT === undefined ? ["default"] : ["default", "json"],
    ...(REPORT === undefined ? {} : { outputFile: { json: REPORT } }),
  },
});
