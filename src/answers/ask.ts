/**
 * One question, on one page: the tiers, then the recording that runs, then the call of the model, and a
 * stale answer if that fails. An answer is a feed of frames, also if it is stored.
 */
import { createBoundedMap } from "../core/bounded-map.ts";
import type { Feed } from "../core/answers.ts";
import { withEmit, type Context } from "../core/context.ts";
import type { WithTimeout } from "../core/deadline.ts";
import type { LoadResult } from "../core/entry.ts";
import { CacheUnavailable, fault, originFaultOf, type Fault } from "../core/faults.ts";
import type { Lookup } from "../core/lookup.ts";
import type { NewId } from "../core/random.ts";
import type { Millis } from "../core/time.ts";
import type { Engine } from "../engine/engine.ts";
import { AnswerFault } from "./answer-fault.ts";
import { joinAnswer, openAnswer, type AnswerRequest, type Opened } from "./open-answer.ts";
import type { Places } from "./places.ts";
import { decodeAnswer } from "./stored-answer.ts";
import { observeFeed, putLocally } from "./observe-feed.ts";

export interface AskOptions {
  readonly engine: Engine;
  readonly newId: NewId;
  /** The calls that this isolate may have begun at the same time. */
  readonly calls: Places;
  /** The answers that this isolate may read at the same time. */
  readonly streams: Places;
  readonly withTimeout: WithTimeout;
  /** The longest wait for the tier reads of another question with the same key. */
  readonly peekTimeoutMs: Millis;
}

/** An answer to one question. One reader reads the feed. */
export interface Answer<P, I> {
  /** Where the answer is from. */
  readonly lookup: Lookup;
  /** Whether it is stored, so that the feed never waits. */
  readonly isReplay: boolean;
  readonly feed: Feed<P, I>;
  /**
   * Returns a stale answer in place of one that was cut off before its reader has used it.
   *
   * @throws {CacheUnavailable} if there is none
   */
  stale(cause: Fault): Promise<Answer<P, I>>;
}

/** @throws {CacheUnavailable} if there is no answer and the model gives none. */
export type Ask = <P, I>(
  request: AnswerRequest<P, I>,
  ctx: Context,
  onLookup: (lookup: Lookup) => void,
) => Promise<Answer<P, I>>;

/** The result of the tiers for the first reader of a key. */
type Peek = "found" | "missed";

/** The platform may end an invocation before its answer is over, so that its key stays. A lost one costs a tier read. */
const MAX_RUNNING = 10_000;
const UNSTORED: LoadResult = { storable: false, oneOff: true };
const FULL = fault("origin.saturated", "too many answers are read at the same time", 1_000);

export function createAsk(options: AskOptions): Ask {
  const { engine, newId, calls, streams, withTimeout, peekTimeoutMs } = options;
  /** The keys whose answer runs, so that later readers join it without reading the tiers. */
  const running = createBoundedMap<string, Promise<Peek>>(MAX_RUNNING);

  return async <P, I>(
    request: AnswerRequest<P, I>,
    ctx: Context,
    onLookup: (lookup: Lookup) => void,
  ): Promise<Answer<P, I>> => {
    const { key, policy } = request;
    const leave = streams.take(newId());
    if (leave === undefined) throw new CacheUnavailable(FULL);
    try {
      return ((await isRunning(key)) ? await join() : undefined) ?? (await lookUp());
    } catch (error) {
      leave();
      throw error;
    }

    /** Steps 1 to 3: memory, edge and Redis. Step 4 is the load of the engine: it opens the answer. */
    async function lookUp(): Promise<Answer<P, I>> {
      const peek = Promise.withResolvers<Peek>();
      const forget = (): void => {
        if (running.get(key) === peek.promise) running.delete(key);
      };
      running.set(key, peek.promise);
      let opened: Opened<P, I> | undefined;
      const open = async (signal: AbortSignal): Promise<LoadResult> => {
        peek.resolve("missed");
        opened = await openAnswer(engine, calls, request, ctx, signal);
        return UNSTORED;
      };
      try {
        const lookup = await find(open);
        if (opened !== undefined) return live(opened, true, forget);
        forget();
        return await stored(lookup);
      } catch (error) {
        forget();
        throw error;
      } finally {
        peek.resolve("found");
      }
    }

    /** Step 4 for a reader that comes while the answer runs. Undefined if it runs no longer. */
    async function join(): Promise<Answer<P, I> | undefined> {
      try {
        const opened = await joinAnswer(engine, request, ctx);
        return opened && live(opened, false);
      } catch (error) {
        return serveStale(originFaultOf(error));
      }
    }

    /** Step 5: an answer past its lifetime, because the model has failed. */
    async function serveStale(cause: Fault): Promise<Answer<P, I>> {
      return stored(
        await find(async () => {
          throw new AnswerFault(cause);
        }),
      );
    }

    async function find(load: (signal: AbortSignal) => Promise<LoadResult>): Promise<Lookup> {
      const task = { load, refresh: async () => UNSTORED, takesSlot: false };
      return engine.lookup(key, policy, task, withoutBypass(ctx));
    }

    /** `keeps`: this reader keeps the answer for the next readers of this isolate. */
    function live(
      { head, unreachable, isHosted, first, feed, leave: endCall }: Opened<P, I>,
      keeps: boolean,
      forget?: () => void,
    ): Answer<P, I> {
      const status = head.started ? "miss" : "joined";
      const lookup: Lookup = {
        key,
        status,
        unreachable,
        currentAt: head.beganAt,
        stored: false,
      };
      ctx.emit({ type: "lookup.end", key, status, negative: false, unreachable });
      onLookup(lookup);
      const observed = observeFeed({
        feed,
        first,
        request,
        ctx,
        source: head.started ? "call" : "joined",
        // A Durable Object stores the answer in Redis, so that this isolate keeps a copy only.
        ...(isHosted && keeps && { onWhole: putLocally(engine, request, head, ctx) }),
        readsOn: head.started,
        onReader: () => leave?.(),
        onEnd() {
          endCall();
          forget?.();
        },
      });
      return { lookup, isReplay: false, feed: observed, stale: serveStale };
    }

    async function stored(lookup: Lookup): Promise<Answer<P, I>> {
      const { entry } = lookup;
      const batch = entry && decodeAnswer<P, I>(entry.body);
      if (batch === undefined) {
        // An entry of another version of the program: the next answer replaces it.
        if (entry !== undefined) engine.discard(entry, ctx);
        return live(await openAnswer(engine, calls, request, ctx, NEVER), true);
      }
      onLookup(lookup);
      const source = lookup.status === "stale-on-error" ? "stale" : "hit";
      const feed = observeFeed({
        first: batch,
        request,
        ctx,
        source,
        readsOn: false,
        onReader: () => leave?.(),
        onEnd: () => undefined,
      });
      return { lookup, isReplay: true, feed, stale: serveStale };
    }
  };

  async function isRunning(key: string): Promise<boolean> {
    const peek = running.get(key);
    if (peek === undefined) return false;
    return (await withTimeout(peek, peekTimeoutMs).catch(() => "found")) === "missed";
  }
}

/** The signal of a reader that waits as long as the limits of the call allow. */
const NEVER = { aborted: false };

/** Drops the end of a lookup that only opened an answer. The answer reports its own end. */
function withoutBypass(ctx: Context): Context {
  return withEmit(ctx, (event) => {
    if (event.type !== "lookup.end" || event.status !== "bypass") ctx.emit(event);
  });
}
