/** `npm run test:apps`: ordinary applications behind the proxy. They are a package of its own: see test/apps/main.ts. */
import { defineConfig } from "vitest/config";

const REPORT = process.env["TEST_REPORT"];

export default defineConfig({
  test: {
    name: "apps",
    include: ["test/apps/*.test.ts"],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    reporters: REPORT === undefined ? ["default"] : ["default", "json"],
    ...(REPORT === undefined ? {} : { outputFile: { json: REPORT } }),
  },
});
