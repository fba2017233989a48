/** The store of idempotency keys in Postgres. */
import { and, eq, sql } from "drizzle-orm";
import { fromBase64, toBase64 } from "../../core/base64.ts";
import type {
  Claim,
  IdempotencyStore,
  KeyedRequest,
  StoredAnswer,
} from "../../core/idempotency.ts";
import type { NewId } from "../../core/random.ts";
import type { Database } from "../outbox.ts";
import { idempotencyKeys, processedMessages } from "../schema.ts";

export interface KeyTableOptions {
  readonly db: Database;
  readonly namespace: string;
  readonly newId: NewId;
}

/** The row of a key, and whether the change of its request is committed. */
interface KeyRow extends Record<string, unknown> {
  readonly fingerprint: string;
  readonly claim: string;
  readonly status: number | null;
  readonly headers: string | null;
  readonly body: string | null;
  readonly changed: boolean;
}

export function createKeyTable({ db, namespace, newId }: KeyTableOptions): IdempotencyStore {
  const isHeld = ({ id }: KeyedRequest, token: string) =>
    and(
      eq(idempotencyKeys.namespace, namespace),
      eq(idempotencyKeys.id, idOfKey(id)),
      eq(idempotencyKeys.claim, token),
    );

  return {
    async claim({ id, fingerprint }, ms) {
      const token = newId();
      const name = idOfKey(id);
      const until = sql`now() + ${ms}::float8 * interval '1 millisecond'`;
      const [, { rows }] = await db.batch([
        db
          .insert(idempotencyKeys)
          .values({ namespace, id: name, fingerprint, claim: token, claimedUntil: until })
          // A claim that ran out, or was given back, goes to this request. Its key may have been a mistake, so the body may be another one.
          .onConflictDoUpdate({
            target: [idempotencyKeys.namespace, idempotencyKeys.id],
            set: { claim: token, claimedUntil: until, fingerprint },
            setWhere: sql`${idempotencyKeys.status} is null and ${idempotencyKeys.claimedUntil} < now()
              and not exists (select from ${processedMessages} as done
                where done.namespace = ${namespace} and done.id = ${name})`,
          }),
        db.execute<KeyRow>(sql`
          select fingerprint, claim, status, headers, body,
            exists (select from ${processedMessages} as done
              where done.namespace = ${namespace} and done.id = ${name})
            and claimed_until < now() as changed
          from ${idempotencyKeys} where namespace = ${namespace} and id = ${name}`),
      ]);
      return claimOf(rows[0], token, fingerprint);
    },

    async answer(request, token, { status, headers, body }) {
      await db
        .update(idempotencyKeys)
        .set({
          status,
          headers: JSON.stringify(headers),
          body: body === undefined ? null : toBase64(body),
        })
        .where(isHeld(request, token));
    },

    async release(request, token) {
      await db
        .update(idempotencyKeys)
        .set({ claimedUntil: sql`'-infinity'` })
        .where(isHeld(request, token));
    },
  };
}

function claimOf(row: KeyRow | undefined, token: string, fingerprint: string): Claim {
  if (row === undefined) return { state: "in-progress" };
  if (row.claim === token) return { state: "new", token };
  if (row.fingerprint !== fingerprint) return { state: "other-body" };
  const { status, headers, body, changed } = row;
  if (status === null) return { state: changed ? "answer-lost" : "in-progress" };
  const answer: StoredAnswer = {
    status,
    headers: JSON.parse(headers ?? "[]") as StoredAnswer["headers"],
    body: body === null ? undefined : fromBase64(body),
  };
  return { state: "answered", answer };
}

/** Returns the id under which the change of a request is recorded. No message has it: a message's id has no space. */
export function idOfKey(id: string): string {
  return `http ${id}`;
}
