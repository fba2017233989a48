import type { ByteBudget } from "../../core/byte-budget.ts";

/** Thrown if the bodies that are read at a time take more than their budget. */
export class BudgetSpent extends Error {}

/**
 * Reads a body. Returns undefined, and cancels the body, if it has more than `maxBytes`. The budget bounds the
 * bodies that have not arrived as a whole.
 *
 * @throws {BudgetSpent} if the budget has no room for the body; it is cancelled then
 * @throws the error of the stream
 */
export async function readAtMost(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  budget: ByteBudget,
): Promise<Uint8Array | undefined> {
  if (body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return new Uint8Array(await new Blob(chunks).arrayBuffer());
      if (size + value.length > maxBytes) {
        await reader.cancel();
        return undefined;
      }
      if (!budget.take(value.length)) {
        await reader.cancel();
        throw new BudgetSpent();
      }
      size += value.length;
      chunks.push(value);
    }
  } finally {
    budget.release(size);
  }
}
