/** The actions of an operator on dead letters. */
import type { Context } from "../../core/context.ts";
import type { Result } from "../../core/result.ts";
import type { QueuedChange } from "../behind.ts";
import type { Database } from "../outbox.ts";
import type { Effects } from "./effect.ts";
import { readEnvelope } from "./envelope.ts";
import {
  countLetters,
  deleteLetter,
  findLetter,
  listLetters,
  returnLetters,
  takeForReplay,
  type DeadLetter,
  type LetterCounts,
} from "./letter-table.ts";
import { MAX_DELAY_SECONDS } from "./queue-call.ts";
import type { Sender } from "./sender.ts";
import { tryEffect, type Trial } from "./trial.ts";

/** The messages that the consumer has given up. Every call may throw the database's error. */
export interface DeadLetters {
  /** Lists letters in the order in which they arrived, after the given position. */
  list(after: number, limit: number): Promise<readonly DeadLetter[]>;
  /** Returns the letter with this id. Undefined if there is none. */
  find(id: string): Promise<DeadLetter | undefined>;
  /** Returns how many letters there are, and how many of them were not sent again. */
  count(): Promise<LetterCounts>;
  /** Tries the effect of a letter without committing it. Undefined if there is no such letter. */
  dryRun(id: string): Promise<Trial | undefined>;
  /** Sends one letter again, under the same id. The result is undefined if there is no such letter. */
  replay(id: string, ctx: Context): Promise<Result<Replay> | undefined>;
  /** Sends the oldest letters again that were not, at most 1,000, so many a second. */
  replayAll(perSecond: number, ctx: Context): Promise<Result<Replay>>;
  /** Deletes a letter. False if there is none. A message that was replayed is still applied. */
  discard(id: string): Promise<boolean>;
}

/** The letters that one call sent again. */
export interface Replay {
  /** The number of letters that were sent again. */
  readonly replayed: number;
  /** Letters that are no messages of the application, and cannot be sent. */
  readonly unusable: number;
}

const MAX_REPLAY = 1_000;

export interface DeadLettersOptions {
  readonly db: Database;
  readonly namespace: string;
  readonly effects: Effects;
  readonly sender: Sender;
}

export function createDeadLetters(options: DeadLettersOptions): DeadLetters {
  const { db, namespace, effects, sender } = options;

  async function send(
    letters: readonly DeadLetter[],
    perSecond: number,
    ctx: Context,
  ): Promise<Result<Replay>> {
    const changes = letters.flatMap((letter) => changeOf(letter) ?? []);
    const result = await sender.sendAll(
      changes.map((change, at) => ({ change, delaySeconds: Math.floor(at / perSecond) })),
      ctx,
    );
    if (!result.ok) {
      const ids = letters.map(({ id }) => id);
      await returnLetters(db, namespace, ids);
      return result;
    }
    const replayed = changes.length;
    return { ok: true, value: { replayed, unusable: letters.length - replayed } };
  }

  return {
    list: (after, limit) => listLetters(db, namespace, after, limit),
    find: (id) => findLetter(db, namespace, id),
    count: () => countLetters(db, namespace),

    async dryRun(id) {
      const letter = await findLetter(db, namespace, id);
      if (letter === undefined) return undefined;
      const change = changeOf(letter);
      const effect = effects.get(letter.kind);
      if (change === undefined || effect === undefined)
        return { outcome: "fails", error: "the application has no effect of this kind" };
      return tryEffect(db, namespace, effect, change);
    },

    async replay(id, ctx) {
      const letters = await takeForReplay(db, namespace, { id });
      return letters.length === 0 ? undefined : send(letters, 1, ctx);
    },

    async replayAll(perSecond, ctx) {
      const limit = Math.min(MAX_REPLAY, Math.floor(perSecond * MAX_DELAY_SECONDS));
      return send(await takeForReplay(db, namespace, { limit }), perSecond, ctx);
    },

    discard: (id) => deleteLetter(db, namespace, id),
  };
}

/** Returns the change in a letter. Undefined if the letter is no message of the application. */
function changeOf({ message }: DeadLetter): QueuedChange | undefined {
  const envelope = readEnvelope(message);
  return envelope && { id: envelope.id, kind: envelope.kind, payload: envelope.payload };
}
