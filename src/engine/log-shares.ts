/**
 * Answers syncs of one isolate from the share of its data centre, or from the log object of its
 * region. In each round one isolate of a data centre asks the object and writes the share; the
 * others read it.
 */
import { isShareable, placeAfter } from "../core/log-share.ts";
import type { Context } from "../core/context.ts";
import type { LogShares, NearShare, RegionLog, SharedQuestion } from "../core/log-shares.ts";
import type { Random } from "../core/random.ts";
import type { EpochMs, Millis } from "../core/time.ts";

/** The pause between two looks at the share while another isolate asks. */
const LOOK_AGAIN_MS = 40;
/** An isolate stops looking for the share this long before it asks Redis, and asks the log object. */
const OBJECT_MS = 100;
/** A log object that gave no answer in this time or longer is not asked again for `AWAY_MS`. */
const SILENT_MS = 200;
const AWAY_MS = 5_000;

export interface LogSharesOptions {
  readonly near: NearShare;
  readonly region: RegionLog;
  readonly random: Random;
  readonly sleep: (ms: Millis) => Promise<void>;
}

export function createLogShares({ near, region, random, sleep }: LogSharesOptions): LogShares {
  let place = placeAfter("redis", random);
  /** The instant at which the log object last gave no answer in time. */
  let silentAt: EpochMs = Number.NEGATIVE_INFINITY;

  function settle(from: "share" | "object" | "redis", ctx: Context): true {
    place = placeAfter(from, random);
    ctx.emit({ type: "log.sync", from });
    return true;
  }

  async function hearNear(apply: SharedQuestion["apply"], ctx: Context): Promise<boolean> {
    const answer = await near.read(ctx);
    return answer !== undefined && apply(answer) && settle("share", ctx);
  }

  /** Waits for the share that another isolate is about to write. */
  async function awaitShare({ apply, until }: SharedQuestion, ctx: Context): Promise<boolean> {
    while (ctx.now() + LOOK_AGAIN_MS < until - OBJECT_MS) {
      await sleep(LOOK_AGAIN_MS);
      if (await hearNear(apply, ctx)) return true;
    }
    return false;
  }

  async function askObject(question: SharedQuestion, ctx: Context): Promise<boolean> {
    const askedAt = ctx.now();
    const timeoutMs = question.until - askedAt;
    if (timeoutMs <= 0 || Math.abs(askedAt - silentAt) < AWAY_MS) return false;
    const answer = await region.ask(question.since, timeoutMs, ctx);
    if (answer === undefined) {
      if (ctx.now() - askedAt >= SILENT_MS) silentAt = ctx.now();
      return false;
    }
    if (!question.apply(answer)) return false;
    settle("object", ctx);
    await near.write(answer, ctx);
    return true;
  }

  return {
    backgroundPart: () => place.part,
    hearNear,

    async hear(question, ctx) {
      if (await hearNear(question.apply, ctx)) return true;
      if (!(await near.isClaimed(ctx))) await near.claim(ctx);
      else if (await awaitShare(question, ctx)) return true;
      return askObject(question, ctx);
    },

    async offer(answer, ctx) {
      settle("redis", ctx);
      if (isShareable(answer)) await near.write(answer, ctx);
    },
  };
}
