import type { Isolate, World } from "./world.ts";

/** After this share of coherence a sync runs in the background, as in src/engine/coherence.ts. */
const BACKGROUND_SHARE = 0.8;

/** The design `direct`: each isolate asks Redis itself, in the background of its reads. */
export function startDirect(world: World): void {
  const { timeline, scenario } = world;
  const { coherenceMs } = scenario;

  function awaitNextSync(isolate: Isolate): void {
    const due = isolate.knowledge.stamp + coherenceMs * BACKGROUND_SHARE + 1;
    timeline.at(world.nextRead(Math.max(timeline.now(), due)), () => sync(isolate));
  }

  function sync(isolate: Isolate): void {
    const { knowledge, version } = isolate;
    const tooOld = world.nextRead(Math.max(timeline.now(), knowledge.stamp + coherenceMs + 1));
    timeline.at(tooOld, () => {
      if (isolate.version === version) world.count("waits");
    });
    world.askRedis(isolate.dataCentre, knowledge, (answer) => {
      world.learn(isolate, answer);
      awaitNextSync(isolate);
    });
  }

  for (const isolate of world.isolates) awaitNextSync(isolate);
}
