import { defineConfig } from "drizzle-kit";

/** `npx drizzle-kit generate` writes the next migration; it needs no database. */
export default defineConfig({
  dialect: "postgresql",
  schema: ["./src/api/schema.ts", "./src/writes/schema.ts"],
  out: "./drizzle/migrations",
});
