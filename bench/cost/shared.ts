/**
 * The design `shared`: one isolate of a data centre, its leader, asks the object of the region again
 * and again for one term, and writes each answer to the Cache API, where the others find it. The object
 * asks Redis for all data centres of its region. An isolate that finds no share in time asks Redis itself.
 */
import { MAX_CHANGES } from "../../src/core/log.ts";
import { createPoller, type Poller } from "./poller.ts";
import { answerBytes } from "./redis-answer.ts";
import type { SharedDesign } from "./shared-design.ts";
import type { Isolate, Knowledge, World } from "./world.ts";

/** An answer of an object reaches back this long, or for as many changes as an answer of Redis has. */
const SPAN_MS = 10_000;

interface Share extends Knowledge {
  /** The share has every invalidation after this instant. */
  readonly from: number;
  readonly writer: Isolate;
}

interface DataCentre {
  share: Share | undefined;
  claimedUntil: number;
}

/** The activity of an isolate, beside its knowledge. */
interface Role {
  /** The isolate syncs early, because no other isolate of its data centre is known to. */
  isLeader: boolean;
  /** The number of its last term, so that an earlier one ends. */
  term: number;
  isHearing: boolean;
  /** The sync of a later view was due while another one ran. */
  isOverdue: boolean;
  isAskingRedis: boolean;
}

export function startShared(world: World, design: SharedDesign): void {
  const { timeline, scenario } = world;
  const { coherenceMs } = scenario;
  const dataCentres = new Map<number, DataCentre>();
  const pollers = new Map<number, Poller>();
  const roles = new Map<Isolate, Role>();

  const centreOf = (isolate: Isolate): DataCentre =>
    getOrSet(dataCentres, isolate.dataCentre, () => ({ share: undefined, claimedUntil: 0 }));
  // The object is in a place of its region, the first of its data centres.
  const pollerOf = (isolate: Isolate): Poller =>
    getOrSet(pollers, world.regionOf(isolate.dataCentre), (region) =>
      createPoller(world, region, design),
    );
  const roleOf = (isolate: Isolate): Role =>
    getOrSet(roles, isolate, () => ({
      isLeader: true,
      term: 0,
      isHearing: false,
      isOverdue: false,
      isAskingRedis: false,
    }));
  const after = (ms: number, call: () => void): void => timeline.at(timeline.now() + ms, call);

  /** Waits for the reads of the present view that start a sync or find the view too old. */
  function watch(isolate: Isolate): void {
    const { knowledge, version } = isolate;
    const { leaderPart, followerPart, jitterPart } = design;
    const part = roleOf(isolate).isLeader ? leaderPart : followerPart;
    const ageMs = (part + world.random() * jitterPart) * coherenceMs;
    const soonest = (age: number): number =>
      Math.max(timeline.now(), Math.floor(knowledge.stamp + age) + 1);
    const unlessRenewed = (call: () => void) => (): void => {
      if (isolate.version === version) call();
    };
    const firstRead = world.nextRead(soonest(ageMs));
    const tooOldAt = soonest(coherenceMs);
    if (firstRead < tooOldAt)
      timeline.at(
        firstRead,
        unlessRenewed(() => hear(isolate)),
      );
    const lateRead = firstRead < tooOldAt ? world.nextRead(tooOldAt) : firstRead;
    timeline.at(
      lateRead,
      unlessRenewed(() => readTooOld(isolate)),
    );
  }

  function learn(isolate: Isolate, knowledge: Knowledge, isLeader: boolean): boolean {
    if (!world.learn(isolate, knowledge)) return false;
    roleOf(isolate).isLeader = isLeader;
    watch(isolate);
    return true;
  }

  /** Looks for the share. `then` is told whether it was of use. */
  function look(isolate: Isolate, notBefore: number, then: (found: boolean) => void): void {
    world.count("cacheLookups");
    after(world.cacheCall(), () => {
      const { share } = centreOf(isolate);
      if (share === undefined || share.from > isolate.knowledge.upTo) return then(false);
      const stamp = share.stamp - design.marginMs;
      then(stamp >= notBefore && learn(isolate, { stamp, upTo: share.upTo }, false));
    });
  }

  function publish(isolate: Isolate, share: Share): void {
    world.count("cachePuts");
    after(world.cacheCall(), () => {
      centreOf(isolate).share = share;
    });
  }

  /** A sync in the background of a read. */
  function hear(isolate: Isolate): void {
    const role = roleOf(isolate);
    if (role.isHearing) {
      role.isOverdue = true;
      return;
    }
    role.isHearing = true;
    role.isOverdue = false;
    const { version } = isolate;
    const until = isolate.knowledge.stamp + coherenceMs * design.giveUpPart;
    const end = (isHeard: boolean): void => {
      role.isHearing = false;
      if (!isHeard && isolate.version === version) askRedis(isolate);
      else if (role.isOverdue) watch(isolate);
    };
    look(isolate, isolate.knowledge.stamp, (found) => {
      if (found) end(true);
      else claim(isolate, until, end);
    });
  }

  function claim(isolate: Isolate, until: number, end: (isHeard: boolean) => void): void {
    world.count("cacheLookups");
    after(world.cacheCall(), () => {
      const centre = centreOf(isolate);
      if (centre.claimedUntil > timeline.now()) return awaitShare(isolate, until, end);
      const claimedAt = timeline.now();
      world.count("cachePuts");
      // Another isolate may look before the claim has arrived, and claim too.
      after(world.cacheCall(), () => {
        centre.claimedUntil = claimedAt + design.claimMs;
        lead(isolate, until, end);
      });
    });
  }

  function awaitShare(isolate: Isolate, until: number, end: (isHeard: boolean) => void): void {
    if (timeline.now() + design.lookAgainMs >= until) return end(false);
    after(design.lookAgainMs, () =>
      look(isolate, isolate.knowledge.stamp, (found) => {
        if (found) end(true);
        else awaitShare(isolate, until, end);
      }),
    );
  }

  /** Opens a session with the object, and leads for one term if the object answers. */
  function lead(isolate: Isolate, until: number, end: (isHeard: boolean) => void): void {
    const role = roleOf(isolate);
    const term = ++role.term;
    const endsAt = timeline.now() + design.termMs;
    if (timeline.now() < until) world.count("objectRequests");
    askObject(isolate, until, (isHeard) => {
      end(isHeard);
      if (isHeard) nextRound(isolate, term, endsAt);
    });
  }

  /** Asks again, by a timer, while reads use the view and the term lasts. */
  function nextRound(isolate: Isolate, term: number, endsAt: number): void {
    const role = roleOf(isolate);
    const { leaderPart, jitterPart } = design;
    const { knowledge, version } = isolate;
    const dueAt = knowledge.stamp + (leaderPart + world.random() * jitterPart) * coherenceMs;
    if (dueAt > endsAt) return endTerm(isolate, term);
    const readAt = world.nextRead(timeline.now());
    timeline.at(dueAt, () => {
      if (role.term !== term) return;
      if (readAt > timeline.now()) return endTerm(isolate, term);
      if (isolate.version !== version) return nextRound(isolate, term, endsAt);
      askObject(isolate, knowledge.stamp + coherenceMs * design.giveUpPart, (isHeard) => {
        if (role.term !== term) return;
        if (isHeard) nextRound(isolate, term, endsAt);
        else endTerm(isolate, term);
      });
    });
  }

  /** The isolate goes on as leader, unless another one has written the share meanwhile. */
  function endTerm(isolate: Isolate, term: number): void {
    world.count("cacheLookups");
    after(world.cacheCall(), () => {
      if (roleOf(isolate).term !== term) return;
      if (centreOf(isolate).share?.writer !== isolate) return;
      roleOf(isolate).isLeader = true;
      watch(isolate);
    });
  }

  function askObject(isolate: Isolate, until: number, end: (isHeard: boolean) => void): void {
    const askedAt = timeline.now();
    if (askedAt >= until) return end(false);
    let isOpen = true;
    const close = (isHeard: boolean): void => {
      if (isOpen) end(isHeard);
      isOpen = false;
    };
    timeline.at(until, () => close(false));
    const hop = (): number => world.objectHop(isolate.dataCentre);
    const known = isolate.knowledge.upTo;
    world.count("objectQuestions");
    after(hop(), () =>
      pollerOf(isolate).ask((poll, ageMs) => {
        const from = Math.min(known, poll.upTo - spanMs());
        world.count("objectBytes", answerBytes(world.changesBetween(from, poll.upTo)));
        after(hop(), () => {
          if (!isOpen) return;
          // The age counts at the arrival of the question, so that time spent waiting is not lost.
          const heard = { stamp: askedAt - ageMs, upTo: poll.upTo };
          // Another isolate leads only if this one stops.
          const isHeard = learn(isolate, heard, design.termMs === 0);
          if (isHeard) publish(isolate, { ...heard, from, writer: isolate });
          close(isHeard);
        });
      }),
    );
  }

  const spanMs = (): number =>
    Math.min(SPAN_MS, (MAX_CHANGES * 1_000) / Math.max(1, scenario.invalidationsPerSecond));

  /** A read that needs a newer view takes the share if it is there, and else asks Redis. */
  function readTooOld(isolate: Isolate): void {
    const startedAt = timeline.now();
    world.count("waits");
    if (roleOf(isolate).isAskingRedis) return;
    look(isolate, startedAt - coherenceMs, (found) => {
      if (!found) askRedis(isolate);
    });
  }

  function askRedis(isolate: Isolate): void {
    const role = roleOf(isolate);
    if (role.isAskingRedis) return;
    role.isAskingRedis = true;
    const from = isolate.knowledge.upTo;
    world.count("directSyncs");
    world.askRedis(isolate.dataCentre, isolate.knowledge, (answer) => {
      role.isAskingRedis = false;
      if (learn(isolate, answer, true)) publish(isolate, { ...answer, from, writer: isolate });
    });
  }

  for (const isolate of world.isolates) watch(isolate);
}

function getOrSet<K, V>(map: Map<K, V>, key: K, create: (key: K) => V): V {
  const found = map.get(key) ?? create(key);
  map.set(key, found);
  return found;
}
