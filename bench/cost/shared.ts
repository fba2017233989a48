/**
 * The design `shared`: isolates of a data centre share what one of them has heard in the Cache API,
 * and the data centres of a region share the polls of one object. A read that finds no share in time
 * asks Redis directly.
 */
import { answerBytes } from "./redis-answer.ts";
import type { Isolate, Knowledge, World } from "./world.ts";
import { createPoller, type Poller } from "./poller.ts";

/** The parts of the design that can be tuned, in milliseconds. */
export interface SharedDesign {
  /** The object of a region asks Redis at most once in this time. */
  readonly tickMs: number;
  /** The object answers with its last poll if that is at most this old, and otherwise with the next one. */
  readonly usableMs: number;
  /** A view of this age makes an isolate look for newer knowledge in the background. */
  readonly startMs: number;
  /** Added to the age of a share, because two clocks are compared. */
  readonly marginMs: number;
  /** For this time, a claim keeps the other isolates of the data centre from asking the object. */
  readonly claimMs: number;
  /** An isolate reads its claim back, and asks the object only if no other isolate has written a later one. */
  readonly readsClaimBack: boolean;
  /** An isolate that has found a claim looks again after this time. */
  readonly retryMs: number;
}

export const SHARED: SharedDesign = {
  tickMs: 700,
  usableMs: 350,
  startMs: 700,
  marginMs: 50,
  claimMs: 600,
  readsClaimBack: true,
  retryMs: 50,
};

interface DataCentre {
  share: Knowledge | undefined;
  claimedUntil: number;
  claimedBy: Isolate | undefined;
}

export function startShared(world: World, design: SharedDesign): void {
  const { timeline, scenario } = world;
  const dataCentres = new Map<number, DataCentre>();
  const pollers = new Map<number, Poller>();

  const dataCentreOf = (isolate: Isolate): DataCentre =>
    getOrSet(dataCentres, isolate.dataCentre, () => ({
      share: undefined,
      claimedUntil: 0,
      claimedBy: undefined,
    }));
  const pollerOf = (isolate: Isolate): Poller =>
    getOrSet(pollers, world.regionOf(isolate.dataCentre), (region) =>
      // The object is in a place of its region, the first of its data centres.
      createPoller(world, region, design),
    );

  /** Waits for the next read that has something to do, of the present view. */
  function watch(isolate: Isolate): void {
    const { knowledge, version } = isolate;
    const when = (ageMs: number, call: () => void): void => {
      const instant = Math.max(timeline.now(), knowledge.stamp + ageMs + 1);
      timeline.at(world.nextRead(instant), () => {
        if (isolate.version === version) call();
      });
    };
    when(design.startMs, () => refresh(isolate));
    when(scenario.coherenceMs, () => readTooOld(isolate));
  }

  function learn(isolate: Isolate, knowledge: Knowledge): void {
    if (world.learn(isolate, knowledge)) watch(isolate);
  }

  function lookUp(isolate: Isolate, then: (centre: DataCentre) => void): void {
    world.count("cacheLookups");
    timeline.at(timeline.now() + world.cacheCall(), () => {
      const centre = dataCentreOf(isolate);
      const { share } = centre;
      if (share !== undefined)
        learn(isolate, { stamp: share.stamp - design.marginMs, upTo: share.upTo });
      then(centre);
    });
  }

  function publish(isolate: Isolate, knowledge: Knowledge): void {
    world.count("cachePuts");
    timeline.at(timeline.now() + world.cacheCall(), () => {
      const centre = dataCentreOf(isolate);
      centre.claimedUntil = 0;
      if (knowledge.stamp > (centre.share?.stamp ?? Number.NEGATIVE_INFINITY))
        centre.share = knowledge;
    });
  }

  /** Runs in the background of a read: the share, else the claim and the object. */
  function refresh(isolate: Isolate): void {
    const { version } = isolate;
    lookUp(isolate, (centre) => {
      if (isolate.version !== version) return;
      if (centre.claimedUntil > timeline.now()) retry(isolate);
      else claim(isolate, centre);
    });
  }

  function retry(isolate: Isolate): void {
    const { version } = isolate;
    timeline.at(world.nextRead(timeline.now() + design.retryMs), () => {
      if (isolate.version === version) refresh(isolate);
    });
  }

  /** Writes a claim, and asks the object. Another isolate may look before the claim has arrived, and claim too. */
  function claim(isolate: Isolate, centre: DataCentre): void {
    world.count("cachePuts");
    timeline.at(timeline.now() + world.cacheCall(), () => {
      centre.claimedUntil = timeline.now() + design.claimMs;
      centre.claimedBy = isolate;
      if (design.readsClaimBack)
        lookUp(isolate, () => {
          if (centre.claimedBy === isolate) askObject(isolate);
          else retry(isolate);
        });
    });
    if (!design.readsClaimBack) askObject(isolate);
  }

  function askObject(isolate: Isolate): void {
    const askedAt = timeline.now();
    const oneWay = world.objectRoundTrip(isolate.dataCentre) / 2;
    const known = isolate.knowledge.upTo;
    world.count("objectRequests");
    timeline.at(askedAt + oneWay, () =>
      pollerOf(isolate).ask((poll, ageMs) => {
        world.count("objectBytes", answerBytes(world.changesBetween(known, poll.upTo)));
        timeline.at(timeline.now() + oneWay, () => {
          // The age counts at the arrival of the question, so that time spent waiting is not lost.
          const heard = { stamp: askedAt - ageMs, upTo: poll.upTo };
          learn(isolate, heard);
          publish(isolate, heard);
        });
      }),
    );
  }

  /** A read that needs a newer view waits for the share, and else asks Redis directly. */
  function readTooOld(isolate: Isolate): void {
    const startedAt = timeline.now();
    world.count("waits");
    lookUp(isolate, () => {
      if (isolate.knowledge.stamp >= startedAt - scenario.coherenceMs) return;
      world.askRedis(isolate.dataCentre, isolate.knowledge, (answer) => {
        learn(isolate, answer);
        publish(isolate, answer);
      });
    });
  }

  for (const isolate of world.isolates) watch(isolate);
}

function getOrSet<V>(map: Map<number, V>, key: number, create: (key: number) => V): V {
  const found = map.get(key) ?? create(key);
  map.set(key, found);
  return found;
}
