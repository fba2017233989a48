import { createStrata, type Bindings, type Platform, type Strata } from "../index.ts";
import { createApp } from "./app.ts";
import { productKind, userKind } from "./kinds.ts";
import type { AppServices } from "./services.ts";

export interface Isolate {
  readonly app: ReturnType<typeof createApp>;
  readonly layer: Strata;
}

/** Makes the dashboard of a layer. */
type Pages = (layer: Strata) => AppServices["dashboard"];

/** The layer and the reference API on it: all that lives in one isolate. */
export function createIsolate(bindings: Bindings, platform?: Platform, pages?: Pages): Isolate {
  const layer = createStrata(bindings, platform);
  const { config, db, writer, metrics, inspect, tracedFetch, rateLimits, coherence, logReachable } =
    layer;
  const { existence } = layer;
  for (const kind of [productKind, userKind]) existence.define(kind.existence(db));
  const strata = layer.middleware((request, c) => dispatch(request, c.env, c.executionCtx));
  const app = createApp({
    config,
    db,
    writer,
    metrics,
    inspect,
    existence,
    tracedFetch,
    dashboard: pages?.(layer),
    rateLimits,
    coherence,
    strata,
    logReachable,
  });
  const dispatch = async (...args: Parameters<typeof app.fetch>) => app.fetch(...args);
  return { app, layer };
}
