/** Plays a schedule: browsers of several users, two isolates, and one Redis, or several objects, that fail at times. */
import { createHash } from "node:crypto";
import type { Context as HonoContext } from "hono";
import { createContext, type Context } from "../../../src/core/context.ts";
import { SessionsUnavailable } from "../../../src/core/sessions.ts";
import { createSessionStore } from "../../../src/redis/session-store.ts";
import { createBreaker } from "../../../src/resilience/breaker.ts";
import { createSessions, type Sessions } from "../../../src/sessions/sessions.ts";
import { createVirtualTime } from "../virtual-time.ts";
import { withModelFault, withStoreFault, type PlantedFault } from "./session-faults.ts";
import { createSessionHistory, type Lifetimes } from "./session-history.ts";
import type { Move, SessionSchedule } from "./session-moves.ts";
import { CALM, createSessionNetwork, type NetworkFaults } from "./session-network.ts";
import { createSessionObjects, type ObjectFault } from "./session-objects.ts";
import { createSessionRedisModel } from "./session-redis-model.ts";

const LIFETIMES: Lifetimes = { idleMs: 20_000, absoluteMs: 45_000, maxPerUser: 3 };
const TIMEOUT_MS = 1_000;
const COOKIE = /^__Host-session=([\w-]*);/;

export interface Played {
  readonly violations: readonly string[];
  /** The number of reads that found a session. */
  readonly found: number;
}

/** The parts of Hono's context that sessions use. */
interface SimulatedRequest {
  readonly c: HonoContext;
  readonly ctx: Context;
  readonly cookies: string[];
}

interface SimulatedIsolate {
  readonly sessions: Sessions<object>;
  request(id: string | undefined): SimulatedRequest;
}

function hashOf(id: string): string {
  return createHash("sha256").update(id).digest("hex");
}

/** Plays a schedule with the sessions in Redis. */
export function playSessions(
  schedule: SessionSchedule,
  fault: PlantedFault = "none",
): Promise<Played> {
  return playSchedule(schedule, fault, undefined);
}

/** Plays a schedule with the sessions in this many Durable Objects. */
export function playObjectSessions(
  schedule: SessionSchedule,
  shards: number,
  fault: PlantedFault | ObjectFault = "none",
): Promise<Played> {
  return playSchedule(schedule, fault, shards);
}

async function playSchedule(
  schedule: SessionSchedule,
  anyFault: PlantedFault | ObjectFault,
  shards: number | undefined,
): Promise<Played> {
  const fault = anyFault as PlantedFault;
  const time = createVirtualTime({ seed: schedule.seed });
  const history = createSessionHistory(LIFETIMES, hashOf);
  const model = createSessionRedisModel(time.now);
  let faults: NetworkFaults = CALM;
  let isCalm = true;
  const network = createSessionNetwork({
    model: withModelFault(model, fault),
    time,
    timeoutMs: TIMEOUT_MS,
    faults: () => faults,
    forges: fault === "hash-unchecked",
  });
  const objects =
    shards === undefined
      ? undefined
      : createSessionObjects({ shards, network, time, fault: anyFault as ObjectFault });
  let secrets = 0;
  const isolates = schedule.skewsMs.map(createIsolate);
  /** The id in the cookie of each browser. */
  const jars = new Map<number, string>();

  function createIsolate(skewMs: number): SimulatedIsolate {
    const now = () => time.now() + skewMs;
    const contexts = new WeakMap<object, Context>();
    const cookiesOf = new WeakMap<object, string[]>();
    const breaker = createBreaker({
      name: "session",
      dependency: "redis",
      callTimeoutMs: TIMEOUT_MS,
      failures: 3,
      minCalls: 20,
      failureRate: 0.5,
      slowRate: undefined,
      slowMs: 500,
      windowMs: 10_000,
      openForMs: 1_000,
      maxOpenForMs: 5_000,
      now,
      random: time.random,
      onChange: () => undefined,
    });
    const parts = {
      namespace: "s",
      newId: time.newId,
      ...LIFETIMES,
      timeoutMs: fault === "late-answers-used" ? Infinity : TIMEOUT_MS,
    };
    const store =
      objects?.createStore({ ...parts, breakerOf: () => breaker }) ??
      createSessionStore({ ...parts, redis: network.client, breaker });
    const sessions = createSessions<object>({
      store: withStoreFault(store, fault, time),
      ctxOf: (c) => contexts.get(c)!,
      giveCookie: (c, { field }) => void cookiesOf.get(c)!.push(field),
      newSecret: () => String(secrets++).padStart(43, "s"),
      hashOf: async (text) => hashOf(text),
      absoluteMs: LIFETIMES.absoluteMs,
    });
    return {
      sessions,
      request(id) {
        const cookies: string[] = [];
        const cookie = id === undefined ? undefined : `__Host-session=${id}`;
        const url = "https://shop.example/";
        const c = {
          req: {
            url,
            raw: { method: "GET", url, headers: { get: () => null } },
            header: () => cookie,
          },
        } as unknown as HonoContext;
        const ctx = createContext({
          now,
          host: "shop.example",
          region: "local",
          waitUntil: (work) => void work,
          emit: () => undefined,
        });
        contexts.set(c, ctx);
        cookiesOf.set(c, cookies);
        return { c, ctx, cookies };
      },
    };
  }

  /** Keeps the cookie that an answer gave to a browser. Returns its id. */
  function keep(browser: number, { cookies }: SimulatedRequest): string | undefined {
    const id = COOKIE.exec(cookies.at(-1) ?? "")?.[1];
    if (id === undefined) return undefined;
    if (id === "") jars.delete(browser);
    else jars.set(browser, id);
    return id;
  }

  async function play(move: Move): Promise<void> {
    const { browser, user } = move;
    const isolate = isolates[move.isolate % isolates.length]!;
    const { sessions } = isolate;
    const id = jars.get(browser);
    const request = isolate.request(id);
    const { c, ctx } = request;
    const owner = id === undefined ? undefined : history.userOf(id);
    if (id !== undefined) history.used(id, time.now());
    switch (move.kind) {
      case "sign-in": {
        const begun = await sessions.beginSignIn(user, ctx);
        const begunAt = time.now();
        await time.sleep(move.takesMs);
        const sentAt = time.now();
        history.starts(user, sentAt);
        const session = await disturbing(owner, () => sessions.start(c, begun));
        if (session === undefined) return;
        history.signedIn(user, begunAt, sentAt);
        history.issued(keep(browser, request)!, user, sentAt, time.now());
        if (id !== undefined) history.revoked(id, sentAt, time.now());
        return;
      }
      case "read":
      case "read-later": {
        if (id === undefined) return;
        if (move.kind === "read-later") await time.sleep(move.takesMs);
        const sentAt = time.now();
        const isExpected = isCalm && history.mustBeFound(id, sentAt);
        const session = await sessions.current(c);
        history.read(id, session?.user, sentAt, time.now());
        if (isExpected && isCalm && session === undefined && history.mustBeFound(id, sentAt))
          history.violations.push("a session that must be there was not found");
        return;
      }
      case "rotate": {
        const sentAt = time.now();
        const rotated = await disturbing(owner, () => sessions.rotate(c));
        if (rotated !== undefined && id !== undefined)
          history.rotated(id, keep(browser, request)!, sentAt, time.now());
        return;
      }
      case "end": {
        const sentAt = time.now();
        const ended = await disturbing(owner, () => sessions.end(c));
        if (!ended || id === undefined) return;
        // The browser does not forget the id: a thief may have copied it.
        history.revoked(id, sentAt, time.now());
        return;
      }
      case "revoke-one": {
        const [oldest] = await sessions.list(user, ctx);
        if (oldest === undefined) return;
        const sentAt = time.now();
        if (await disturbing(user, () => sessions.revoke(user, oldest.id, ctx)))
          history.revokedHash(oldest.id, sentAt, time.now());
        return;
      }
      case "revoke-all": {
        const sentAt = time.now();
        await disturbing(user, () => sessions.revokeAll(user, ctx));
        history.revokedAll(user, sentAt, time.now());
        return;
      }
      case "fail":
        isCalm = false;
        faults = schedule.faults;
        await time.sleep(move.takesMs);
        faults = CALM;
        return;
      case "fail-over": {
        // Objects have no replicas.
        if (objects !== undefined) return;
        isCalm = false;
        const lagMs = move.takesMs / 4;
        network.failOver(lagMs);
        history.failedOver(time.now(), lagMs);
        return;
      }
    }
  }

  /** Runs a request that may end sessions of the user. */
  async function disturbing<T>(user: string | undefined, work: () => Promise<T>): Promise<T> {
    const end = history.disturbs(user ?? "");
    try {
      return await work();
    } finally {
      end(time.now());
    }
  }

  async function attempt(move: Move): Promise<void> {
    const id = jars.get(move.browser);
    try {
      await play(move);
      if (id !== undefined) history.used(id, time.now());
    } catch (error) {
      if (id !== undefined) history.used(id, time.now());
      // A browser whose request failed does not know what happened. It keeps its cookie.
      if (!(error instanceof SessionsUnavailable)) throw error;
    }
  }

  let failure: unknown;
  let at = 0;
  for (const move of schedule.moves) {
    at += move.afterMs;
    time.after(at, () => void attempt(move).catch((error: unknown) => (failure ??= error)));
  }
  await time.run();
  if (failure !== undefined) throw failure;
  const { idleMs, absoluteMs } = LIFETIMES;
  await time.run(Math.max(3_600_000, idleMs + absoluteMs) + 10_000);
  const rows = objects?.rowsAtEnd() ?? 0;
  if (rows > 0) history.violations.push(`objects keep ${rows} rows for ever`);
  if (model.size() > 0) history.violations.push(`Redis keeps ${model.size()} keys for ever`);
  return { violations: history.violations, found: history.found() };
}
