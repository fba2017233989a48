/** Commits the effects of messages of one kind. */
import type { Context } from "../../core/context.ts";
import { fault, messageOf, originFaultOf, type Fault } from "../../core/faults.ts";
import type { Database } from "../outbox.ts";
import type { Writer } from "../writer.ts";
import { isOutage } from "./attempt.ts";
import type { Delivery } from "./deliveries.ts";
import type { Effect } from "./effect.ts";
import { isRepetition, recordIds } from "./processed.ts";

export interface ApplyOptions {
  readonly db: Database;
  readonly namespace: string;
  /** Commits an effect with its invalidations. */
  readonly writer: Pick<Writer, "mutate">;
}

/** The result for one message: its effect is committed, was committed before, or is not known to be. */
export interface Applied {
  readonly delivery: Delivery;
  readonly result: "applied" | "duplicate" | Fault;
}

/**
 * Commits the effects of the messages and their ids in one transaction. If the database refuses it,
 * one of the messages is wrong or a repetition, so each half is tried alone. Never rejects.
 */
export async function applyEffect(
  effect: Effect,
  deliveries: readonly Delivery[],
  options: ApplyOptions,
  ctx: Context,
): Promise<readonly Applied[]> {
  const every = (result: Applied["result"]): Applied[] =>
    deliveries.map((delivery) => ({ delivery, result }));
  try {
    await commit(effect, deliveries, options, ctx);
    return every("applied");
  } catch (error) {
    if (deliveries.length === 1 && isRepetition(error)) return every("duplicate");
    const cause = faultOf(error);
    if (isOutage(cause) || deliveries.length === 1) return every(cause);
    const middle = Math.ceil(deliveries.length / 2);
    return [
      ...(await applyEffect(effect, deliveries.slice(0, middle), options, ctx)),
      ...(await applyEffect(effect, deliveries.slice(middle), options, ctx)),
    ];
  }
}

async function commit(
  effect: Effect,
  deliveries: readonly Delivery[],
  { db, namespace, writer }: ApplyOptions,
  ctx: Context,
): Promise<void> {
  const changes = deliveries.map(({ envelope }) => envelope);
  const ids = changes.map(({ id }) => id);
  const { statements, tags } = statementsOf(effect, changes);
  await writer.mutate({ statements: [recordIds(db, namespace, ids), ...statements], tags }, ctx);
}

/** The error of an effect that cannot make statements of its messages. It is thrown before anything is committed. */
class EffectFailed extends Error {}

function statementsOf(effect: Effect, changes: Parameters<Effect["statements"]>[0]) {
  try {
    return { statements: effect.statements(changes), tags: effect.tags?.(changes) ?? [] };
  } catch (error) {
    throw new EffectFailed(messageOf(error), { cause: error });
  }
}

function faultOf(error: unknown): Fault {
  return error instanceof EffectFailed
    ? fault("origin.rejected", `the effect threw: ${error.message}`)
    : originFaultOf(error);
}
