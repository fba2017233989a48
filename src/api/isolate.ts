import { createStrata, type Bindings, type Strata } from "../index.ts";
import { createApp } from "./app.ts";
import { createRunDry, type RunDry } from "./dry-run.ts";
import type { AppServices, VerifySignIn } from "./services.ts";
import { createEffects } from "./effects.ts";
import { categoryFilter, productKind, userKind } from "./kinds.ts";
import { defineWarmUp } from "./warm-up.ts";

export interface Isolate {
  readonly app: ReturnType<typeof createApp>;
  readonly layer: Strata;
}

/** The parts of the application that are not the API itself. Without `front` and `createDashboard` there are no pages. */
export interface IsolateParts {
  /** Creates the dashboard of a layer. Returns undefined if the dashboard's files are not bundled. */
  readonly createDashboard?: (layer: Strata) => AppServices["dashboard"];
  readonly front?: AppServices["front"];
  readonly verifySignIn?: VerifySignIn | undefined;
}

/** Creates the objects that one isolate keeps: the layer, and the reference API that uses it. */
export function createIsolate(
  bindings: Bindings,
  { createDashboard, front, verifySignIn }: IsolateParts = {},
): Isolate {
  const layer = createStrata(bindings);
  for (const kind of [productKind, userKind, categoryFilter])
    layer.existence.define(kind.existence(layer.db));
  for (const effect of createEffects(layer)) layer.jobs.messages.define(effect);
  defineWarmUp(layer.jobs.cron, layer, bindings.CF_VERSION_METADATA?.id ?? "");
  const runDry: RunDry = createRunDry(layer, (dry) =>
    createApp({ ...layer, runDry, assets: undefined, front: undefined, ...dry }),
  );
  const app = createApp({
    ...layer,
    runDry,
    scope: layer.middleware(async (request, c) => app.fetch(request, c.env, c.executionCtx)),
    assets: bindings.ASSETS,
    dashboard: createDashboard?.(layer),
    front,
    verifySignIn,
  });
  return { app, layer };
}
