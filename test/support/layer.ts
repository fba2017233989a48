/** Layers for tests: on the test's clock, with the internals of the layer beside its members. */
import { env } from "cloudflare:workers";
import { createLayer } from "../../src/compose.ts";
import type { Bindings, Strata, StrataOptions } from "../../src/index.ts";
import { internalsOf, type StrataInternals } from "../../src/internals.ts";

/** A layer whose internals a test may reach: `layer.memory`, `layer.coherence`, ... */
export type TestLayer = Strata & StrataInternals;

export interface TestLayerOptions {
  readonly now: () => number;
  readonly random?: () => number;
  /** Default: real timers. */
  readonly sleep?: (ms: number) => Promise<void>;
  /** Replace those of the test environment. */
  readonly bindings?: Partial<Bindings> & Readonly<Record<string, unknown>>;
  readonly options?: StrataOptions;
}

export function createTestLayer({
  now,
  random = () => 0,
  sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  bindings = {},
  options = {},
}: TestLayerOptions): TestLayer {
  // Tests count requests to Redis. Those of shared syncs bind the log objects themselves.
  const { LOGS: _logs, ...own } = env as unknown as Bindings;
  // A machine that is busy with tests makes no request to Redis slow.
  const breaker = { slowRedis: "1m", ...options.breaker } as const;
  const layer = createLayer(
    { ...own, ...bindings },
    { ...options, breaker },
    {
      now,
      random,
      newId: () => crypto.randomUUID(),
      sleep,
    },
  );
  return { ...layer, ...internalsOf(layer) };
}
