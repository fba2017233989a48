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
  /** Replace those of the test environment. */
  readonly bindings?: Partial<Bindings> & Readonly<Record<string, unknown>>;
  readonly options?: StrataOptions;
}

export function createTestLayer({
  now,
  random = () => 0,
  bindings = {},
  options = {},
}: TestLayerOptions): TestLayer {
  const layer = createLayer({ ...(env as unknown as Bindings), ...bindings }, options, {
    now,
    random,
    newId: () => crypto.randomUUID(),
  });
  return { ...layer, ...internalsOf(layer) };
}
