/**
 * Answers syncs of one isolate from the share of its data centre, or from the log object of its
 * region. One isolate of a data centre leads: it asks the object again and again for one term, and
 * writes each answer as the share. The others read the share.
 */
import { isShareable, syncPartOf } from "../core/log-share.ts";
import type { Context } from "../core/context.ts";
import type {
  LogShares,
  NearShare,
  RegionLog,
  RegionLogSession,
  SharedQuestion,
  SharedSyncs,
} from "../core/log-shares.ts";
import type { Random } from "../core/random.ts";
import { LOOK_AGAIN_MS, TERM_MS } from "../core/share-timing.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import { createObjectBreaker } from "./log-object-breaker.ts";

export interface LogSharesOptions {
  readonly near: NearShare;
  readonly region: RegionLog;
  readonly random: Random;
  readonly sleep: (ms: Millis) => Promise<void>;
}

export function createLogShares({ near, region, random, sleep }: LogSharesOptions): LogShares {
  const breaker = createObjectBreaker();
  let part = syncPartOf("leader", random);
  /** The number of the last term. A term that the platform stopped has no end, so a later one replaces it. */
  let lastTerm = 0;

  async function hearNear(apply: SharedQuestion["apply"], ctx: Context): Promise<boolean> {
    const answer = await near.read(ctx);
    if (answer === undefined || !apply(answer)) return false;
    part = syncPartOf("follower", random);
    ctx.emit({ type: "log.sync", from: "share" });
    return true;
  }

  /** Waits for the share that another isolate is about to write. */
  async function awaitShare({ apply, until }: SharedQuestion, ctx: Context): Promise<boolean> {
    while (ctx.now() + LOOK_AGAIN_MS < until) {
      await sleep(LOOK_AGAIN_MS);
      if (await hearNear(apply, ctx)) return true;
    }
    return false;
  }

  async function askObject(
    session: RegionLogSession,
    { since, until, apply }: SharedQuestion,
    ctx: Context,
  ): Promise<boolean> {
    const askedAt = ctx.now();
    const timeoutMs = until - askedAt;
    if (timeoutMs <= 0 || breaker.isOpen(askedAt)) return false;
    const answer = await session.ask(since, timeoutMs);
    breaker.record(answer !== undefined, askedAt, ctx.now());
    if (answer === undefined || !apply(answer)) return false;
    // The leader asks by a timer. If the platform stops it, this isolate looks again as a follower.
    part = syncPartOf("follower", random);
    ctx.emit({ type: "log.sync", from: "object" });
    await near.write(answer, ctx);
    return true;
  }

  /** Asks the object once, and for the rest of the term in the background. */
  async function lead(syncs: SharedSyncs, ctx: Context): Promise<boolean> {
    if (breaker.isOpen(ctx.now())) return false;
    const term = ++lastTerm;
    const session = region.open(ctx);
    const isHeard = await askObject(session, syncs.next(), ctx);
    if (isHeard) ctx.defer(serveTerm(term, session, syncs, ctx));
    else session.close();
    return isHeard;
  }

  async function serveTerm(
    term: number,
    session: RegionLogSession,
    syncs: SharedSyncs,
    ctx: Context,
  ): Promise<void> {
    const endsAt = ctx.now() + TERM_MS;
    while (await nextRound(term, session, syncs, endsAt, ctx));
    session.close();
    // Of several leaders of a data centre, the one that wrote last goes on.
    if (term === lastTerm && (await near.isOwn(ctx))) part = syncPartOf("leader", random);
  }

  /** Waits until the next sync is due and asks the object. Returns false if the term is over. */
  async function nextRound(
    term: number,
    session: RegionLogSession,
    syncs: SharedSyncs,
    endsAt: EpochMs,
    ctx: Context,
  ): Promise<boolean> {
    const { stamp } = syncs.next();
    const dueAt = stamp + syncs.windowMs * syncPartOf("leader", random);
    if (dueAt > endsAt) return false;
    // A clock that was set back must not make the pause longer than a window.
    await sleep(Math.min(Math.max(0, dueAt - ctx.now()), syncs.windowMs));
    if (term !== lastTerm || !syncs.isWanted()) return false;
    const question = syncs.next();
    // A read of Redis has brought a newer log.
    if (question.stamp > stamp) return true;
    return askObject(session, question, ctx);
  }

  return {
    backgroundPart: () => part,
    hearNear,

    async hear(syncs, ctx) {
      const question = syncs.next();
      if (await hearNear(question.apply, ctx)) return true;
      if (await near.isClaimed(ctx)) return awaitShare(question, ctx);
      await near.claim(ctx);
      return lead(syncs, ctx);
    },

    async deferred(ctx) {
      return breaker.isOpen(ctx.now()) ? undefined : region.deferred(ctx);
    },

    async offer(answer, ctx) {
      part = syncPartOf("leader", random);
      ctx.emit({ type: "log.sync", from: "redis" });
      if (isShareable(answer)) await near.write(answer, ctx);
    },
  };
}
