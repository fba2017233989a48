/**
 * Lets the single reads of one request that begin in the same turn share one request to the shared
 * store. A read that comes to the shared store waits there for the reads of its turn that are still at
 * a nearer tier. Each of these waits ends by a time limit.
 */
import type { Context } from "../core/context.ts";
import {
  NOTHING,
  type Found,
  type ReadShared,
  type SharedRead,
  type SharedReader,
} from "./shared-reader.ts";

/** The most reads in one request. */
const MAX_READS = 500;

/** The part of one read in the reads of its turn. */
export interface TurnMember {
  /** Reads the key from the shared store, with the other reads of the turn. */
  readonly read: ReadShared;
  /** The read does not need the shared store, or has ended. */
  leave(): void;
}

export interface SharedTurns {
  /** Adds a read that begins now. Call it in the turn in which the read goes behind memory. */
  join(ctx: Context): TurnMember;
}

interface Waiting {
  readonly read: SharedRead;
  end(found: Promise<Found | "unreachable">): void;
}

/** The reads of one turn. */
interface Turn {
  /** The reads that have not come to the shared store yet. */
  busy: number;
  size: number;
  isOpen: boolean;
  waiting: Waiting[];
}

export function createSharedTurns(shared: SharedReader): SharedTurns {
  const turns = new WeakMap<Context, Turn>();

  function turnOf(ctx: Context): Turn {
    const current = turns.get(ctx);
    if (current?.isOpen === true && current.size < MAX_READS) return current;
    const turn: Turn = { busy: 0, size: 0, isOpen: true, waiting: [] };
    turns.set(ctx, turn);
    // The reads that the program began in this turn have all come here when two more steps are done.
    void Promise.resolve()
      .then(() => undefined)
      .then(() => {
        turn.isOpen = false;
        sendIfReady(turn);
      });
    return turn;
  }

  function sendIfReady(turn: Turn): void {
    if (turn.isOpen || turn.busy > 0) return;
    const [first, ...rest] = turn.waiting;
    turn.waiting = [];
    if (first === undefined) return;
    const found = shared.read([first.read, ...rest.map(({ read }) => read)]);
    for (const [i, { end }] of [first, ...rest].entries())
      end(found.then((all) => (all === "unreachable" ? all : (all[i] ?? NOTHING))));
  }

  return {
    join(ctx) {
      const turn = turnOf(ctx);
      turn.busy++;
      turn.size++;
      let isBusy = true;
      const leave = (): void => {
        if (!isBusy) return;
        isBusy = false;
        turn.busy--;
        sendIfReady(turn);
      };
      return {
        leave,
        read: (read) =>
          new Promise((end) => {
            turn.waiting.push({ read, end });
            leave();
          }),
      };
    },
  };
}
