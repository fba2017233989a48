import { createStrata, type Bindings, type Strata } from "../index.ts";
import { createApp } from "./app.ts";
import type { AppServices } from "./services.ts";
import { productKind, userKind } from "./kinds.ts";

export interface Isolate {
  readonly app: ReturnType<typeof createApp>;
  readonly layer: Strata;
}

/** Creates the dashboard over a layer. Undefined if its files are not bundled. */
type CreateDashboard = (layer: Strata) => AppServices["dashboard"];

/** Creates everything that lives in one isolate: the layer, and the reference API on it. */
export function createIsolate(bindings: Bindings, createDashboard?: CreateDashboard): Isolate {
  const layer = createStrata(bindings);
  for (const kind of [productKind, userKind]) layer.existence.define(kind.existence(layer.db));
  const app = createApp({
    ...layer,
    scope: layer.middleware(async (request, c) => app.fetch(request, c.env, c.executionCtx)),
    dashboard: createDashboard?.(layer),
  });
  return { app, layer };
}
