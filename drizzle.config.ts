import { defineConfig } from "drizzle-kit";

/** Configures `npx drizzle-kit generate`, which writes the next migration without a database. */
export default defineConfig({
  dialect: "postgresql",
  schema: ["./src/api/schema.ts", "./src/writes/schema.ts"],
  out: "./drizzle/migrations",
});
