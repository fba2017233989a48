/** The network of the model of cost. `test/simulation/sync-cost.test.ts` plays the product over the same one. */

type Range = readonly [least: number, most: number];

/** Times in milliseconds. */
export interface Network {
  /** The round trip from one place to Redis. A place draws its own once. */
  readonly redis: Range;
  /** The round trip from one data centre to the object of its region. A data centre draws its own once. */
  readonly object: Range;
  /** One call of the Cache API. */
  readonly cache: Range;
  /** A round trip to Redis, and a hop to or from an object, is longer by up to this share, at random. */
  readonly jitter: number;
  /** This share of them takes `slowFactor` times as long. */
  readonly slowShare: number;
  readonly slowFactor: number;
}

export const NETWORK: Network = {
  redis: [20, 80],
  object: [10, 60],
  cache: [2, 5],
  jitter: 0.2,
  slowShare: 0.01,
  slowFactor: 3,
};

/** Draws how long each call takes. */
export interface Links {
  redisRoundTrip(place: number): number;
  /** One way between a data centre and the object of its region. */
  objectHop(dataCentre: number): number;
  cacheCall(): number;
}

export function createLinks(network: Network, places: number, random: () => number): Links {
  const between = ([least, most]: Range): number => least + random() * (most - least);
  const bases = Array.from({ length: places }, () => ({
    redis: between(network.redis),
    object: between(network.object),
  }));

  function varied(base: number): number {
    const slow = random() < network.slowShare ? network.slowFactor : 1;
    return Math.round(base * (1 + network.jitter * random()) * slow);
  }

  return {
    redisRoundTrip: (place) => varied(bases[place]?.redis ?? 0),
    objectHop: (dataCentre) => varied((bases[dataCentre]?.object ?? 0) / 2),
    cacheCall: () => Math.round(between(network.cache)),
  };
}
