import { createDice } from "../support/dice.ts";
import { createLinks } from "./network.ts";
import { syncExchange } from "./redis-answer.ts";
import type { Scenario } from "./scenario.ts";
import { createTimeline, type Timeline } from "./timeline.ts";

/** The knowledge that an isolate has of the log. */
export interface Knowledge {
  /** The stamp of the log view: the question to Redis was sent at this instant or later. */
  readonly stamp: number;
  /** The instant up to which the invalidations are known: when Redis ran the question, less the lag of the replica. */
  readonly upTo: number;
}

export interface Isolate {
  readonly dataCentre: number;
  knowledge: Knowledge;
  /** Counts the changes of `knowledge`, so that an event of an earlier one can be recognised. */
  version: number;
  /** The next observed purge that this isolate does not know. */
  nextPurge: number;
}

/** The counts after the warm-up. */
export interface Tally {
  redisRequests: number;
  redisCommands: number;
  redisBytes: number;
  /** Requests to objects, as they are billed. All questions of one session are one request. */
  objectRequests: number;
  objectQuestions: number;
  /** Bytes that objects sent. They cost nothing. */
  objectBytes: number;
  cacheLookups: number;
  cachePuts: number;
  /** Reads that found the log view older than coherence, and waited. At most one for each view. */
  waits: number;
  /** Syncs with Redis of isolates that found no share in time. */
  directSyncs: number;
}

/** Places, clocks and counters that every design of the model uses. */
export interface World {
  readonly scenario: Scenario;
  readonly timeline: Timeline;
  readonly isolates: readonly Isolate[];
  readonly tally: Tally;
  regionOf(dataCentre: number): number;
  /** Counts, if the warm-up is over. */
  count(what: keyof Tally, by?: number): void;
  /** Returns the instant of the first read at or after `instant`. */
  nextRead(instant: number): number;
  /** Returns a number in [0, 1) from the seed. */
  random(): number;
  cacheCall(): number;
  objectHop(dataCentre: number): number;
  /**
   * Asks Redis for the changes after `known.upTo`. `then` gets the knowledge when the answer has
   * arrived; the stamp is the instant of the call.
   */
  askRedis(place: number, known: Knowledge, then: (knowledge: Knowledge) => void): void;
  /** Returns the number of invalidations after one instant, up to the other. */
  changesBetween(from: number, upTo: number): number;
  /** Gives an isolate newer knowledge. Returns false, and changes nothing, if it is not newer. */
  learn(isolate: Isolate, knowledge: Knowledge): boolean;
  /** For each observed purge, the time from its acknowledgement to the last read that does not see it. */
  delays(): readonly number[];
}

export function createWorld(scenario: Scenario): World {
  const { network, coherenceMs, warmUpMs, countedMs } = scenario;
  const dice = createDice(scenario.seed);
  const timeline = createTimeline();
  const used = Math.min(scenario.dataCentres, scenario.isolates);
  const links = createLinks(network, used, dice);
  const tally: Tally = {
    redisRequests: 0,
    redisCommands: 0,
    redisBytes: 0,
    objectRequests: 0,
    objectQuestions: 0,
    objectBytes: 0,
    cacheLookups: 0,
    cachePuts: 0,
    waits: 0,
    directSyncs: 0,
  };
  const isolates = Array.from({ length: scenario.isolates }, (_, at): Isolate => {
    // The views of the isolates are of different ages at the start.
    const instant = -Math.round(dice() * coherenceMs * 0.8);
    const knowledge = { stamp: instant, upTo: instant };
    return { dataCentre: at % used, knowledge, version: 0, nextPurge: 0 };
  });
  const purges = observedPurges();
  const lastRead = purges.map(({ numberedAt }) => numberedAt);

  /** Purges with the instants of their number and of their acknowledgement, in order. */
  function observedPurges() {
    // The last purges have as long as the bound allows.
    const span = countedMs - 3 * coherenceMs;
    const [least, most] = network.redis;
    return Array.from({ length: scenario.observedPurges }, () => warmUpMs + dice() * span)
      .toSorted((a, b) => a - b)
      .map((numberedAt) => ({
        numberedAt,
        acknowledgedAt: numberedAt + (least + dice() * (most - least)) / 2,
      }));
  }

  function count(what: keyof Tally, by = 1): void {
    if (timeline.now() >= warmUpMs) tally[what] += by;
  }

  const changesBetween = (from: number, upTo: number): number => {
    const before = (instant: number): number =>
      Math.floor((Math.max(0, instant) * scenario.invalidationsPerSecond) / 1_000);
    return before(upTo) - before(from);
  };

  return {
    scenario,
    timeline,
    isolates,
    tally,
    count,
    changesBetween,
    regionOf: (dataCentre) => dataCentre % scenario.regions,
    nextRead(instant) {
      const gapMs = 1_000 / scenario.readsPerSecond;
      const share = scenario.reads === "regular" ? dice() : -Math.log(1 - dice());
      return instant + Math.floor(share * gapMs);
    },
    random: dice,
    cacheCall: links.cacheCall,
    objectHop: links.objectHop,

    askRedis(place, known, then) {
      const stamp = timeline.now();
      const firstTrip = links.redisRoundTrip(place);
      const executedAt = stamp + firstTrip / 2 - scenario.replicaLagMs;
      const first = syncExchange(changesBetween(known.upTo, executedAt));
      // A second request repeats the first one. Its question was sent later, so that its stamp is too.
      const isTwice = first.requests === 2;
      const secondTrip = isTwice ? links.redisRoundTrip(place) : 0;
      count("redisRequests", first.requests);
      count("redisCommands", first.commands);
      count("redisBytes", first.bytes);
      timeline.at(stamp + firstTrip + secondTrip, () =>
        then({
          stamp: isTwice ? stamp + firstTrip : stamp,
          upTo: isTwice ? stamp + firstTrip + secondTrip / 2 - scenario.replicaLagMs : executedAt,
        }),
      );
    },

    learn(isolate, knowledge) {
      const old = isolate.knowledge;
      if (knowledge.stamp <= old.stamp) return false;
      // Until now, or until the old view was too old, reads saw no purge after `old.upTo`.
      const until = Math.min(timeline.now(), old.stamp + coherenceMs);
      for (; isolate.nextPurge < purges.length; isolate.nextPurge++) {
        const at = isolate.nextPurge;
        if ((purges[at]?.numberedAt ?? 0) > knowledge.upTo) break;
        lastRead[at] = Math.max(lastRead[at] ?? 0, until);
      }
      isolate.knowledge = { stamp: knowledge.stamp, upTo: Math.max(old.upTo, knowledge.upTo) };
      isolate.version++;
      return true;
    },

    delays: () =>
      purges.map(({ acknowledgedAt }, at) => Math.max(0, (lastRead[at] ?? 0) - acknowledgedAt)),
  };
}
