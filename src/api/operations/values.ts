/** The schemas of values that answers have in common, and what the API reference says of inputs. */
import * as z from "zod/mini";
import { Id, MAX_INTEGER } from "../inputs.ts";
import { described } from "./operation.ts";

const within = (minimum: number) => z.int().check(z.gte(minimum), z.lte(MAX_INTEGER));

/** An id in a body. */
export const RowId = within(1);
/** A whole number from 0. */
export const Count = within(0);

/** An instant in UTC. */
export const Instant = z
  .string()
  .register(described, { format: "date-time", examples: ["2026-11-28T12:00:00.000Z"] });

/** An instant in milliseconds since 1970. */
export const Millis = z.number().register(described, { description: "Milliseconds since 1970." });

const product = {
  id: RowId,
  name: z.string(),
  description: z.string(),
  priceCents: Count,
  categoryId: RowId,
  stock: Count,
  updatedAt: Instant,
};
export const Product = z.strictObject(product).register(described, { id: "Product" });

export const PRODUCT = {
  id: 42,
  name: "Oak chair",
  description: "A chair of oak.",
  priceCents: 12_900,
  categoryId: 3,
  stock: 17,
  updatedAt: "2026-11-28T12:00:00.000Z",
};

/** One page of a list. */
export const pageOf = (items: z.ZodMiniType) =>
  z.strictObject({ items: z.array(items), page: RowId, pageSize: Count, total: Count });

export const Level = z.enum(["normal", "degraded", "minimal"]);

/** The answer to a purge, which also says what `X-Invalidation` says. */
export const Invalidation = z.enum(["done", "deferred"]);

/** The id in a path. The input is a text of digits; JSON Schema names the number. */
export const rowId = {
  id: { schema: Id.register(described, { type: "integer", minimum: 1 }), example: 42 },
};
