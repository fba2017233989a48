/**
 * Answers syncs of one isolate from the share of its data centre, or from the log object of its
 * region. In each round one isolate of a data centre asks the object and writes the share; the
 * others read it.
 */
import { isShareable, placeAfter } from "../core/log-share.ts";
import type { Context } from "../core/context.ts";
import type { LogShares, NearShare, RegionLog, SharedQuestion } from "../core/log-shares.ts";
import type { Random } from "../core/random.ts";
import type { Millis } from "../core/time.ts";

/** The pause between two looks at the share while another isolate asks. */
const LOOK_AGAIN_MS = 40;

export interface LogSharesOptions {
  readonly near: NearShare;
  readonly region: RegionLog;
  readonly random: Random;
  readonly sleep: (ms: Millis) => Promise<void>;
}

export function createLogShares({ near, region, random, sleep }: LogSharesOptions): LogShares {
  let place = placeAfter("redis", random);

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
    while (ctx.now() + LOOK_AGAIN_MS < until) {
      await sleep(LOOK_AGAIN_MS);
      if (await hearNear(apply, ctx)) return true;
    }
    return false;
  }

  return {
    backgroundPart: () => place.part,
    hearNear,

    async hear(question, ctx) {
      if (await hearNear(question.apply, ctx)) return true;
      if (await near.isClaimed(ctx)) return awaitShare(question, ctx);
      await near.claim(ctx);
      const timeoutMs = question.until - ctx.now();
      if (timeoutMs <= 0) return false;
      const answer = await region.ask(question.since, timeoutMs, ctx);
      if (answer === undefined || !question.apply(answer)) return false;
      settle("object", ctx);
      await near.write(answer, ctx);
      return true;
    },

    async offer(answer, ctx) {
      settle("redis", ctx);
      if (isShareable(answer)) await near.write(answer, ctx);
    },
  };
}
