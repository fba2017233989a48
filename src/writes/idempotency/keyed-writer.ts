import { AlreadyWritten, type KeysOfRequests } from "../../core/idempotency.ts";
import type { Database } from "../outbox.ts";
import { isRepetition, recordIds } from "../messages/processed.ts";
import type { Writer } from "../writer.ts";
import { idOfKey } from "./key-table.ts";

export interface KeyedWriterOptions {
  readonly db: Database;
  readonly namespace: string;
  readonly keys: KeysOfRequests;
}

/**
 * Commits the idempotency key of a request in the transaction of its first change. A repetition of
 * the request then commits nothing, also if the first one was ended before it stored its answer.
 */
export function withIdempotencyKeys(writer: Writer, options: KeyedWriterOptions): Writer {
  const { db, namespace, keys } = options;
  return {
    ...writer,
    async mutate(mutation, ctx) {
      const id = keys.take(ctx);
      if (id === undefined) return writer.mutate(mutation, ctx);
      const [first, ...others] = mutation.statements;
      const record = recordIds(db, namespace, [idOfKey(id)]);
      try {
        return await writer.mutate({ ...mutation, statements: [first, record, ...others] }, ctx);
      } catch (error) {
        throw isRepetition(error) ? new AlreadyWritten() : error;
      }
    },
  };
}
