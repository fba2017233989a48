/** Moves of several steps. They make situations that single moves rarely meet. */
import type { Clients } from "./clients.ts";
import { LAG_MS, type Cluster, type Isolate } from "./cluster.ts";
import { KEYS, THINGS, type Move } from "./moves.ts";
import type { VirtualTime } from "./virtual-time.ts";

export interface Stage {
  readonly cluster: Cluster;
  readonly clients: Clients;
  readonly time: VirtualTime;
}

type SceneKind =
  | "pace"
  | "debut"
  | "race"
  | "relays"
  | "lost-write"
  | "blackout"
  | "overflow"
  | "vain-purge";

export type Scene = Extract<Move, { readonly kind: SceneKind }>;

export function playScene(scene: Scene, { cluster, clients, time }: Stage): void {
  const { isolates } = cluster;
  const name = "key" in scene ? (KEYS[scene.key] ?? KEYS[0]) : KEYS[0];
  const at = (index: number): Isolate => {
    const found = isolates[index % isolates.length];
    if (found === undefined) throw new Error(`no isolate ${index}`);
    return found;
  };
  /** Calls `act` with each isolate, in so many milliseconds. */
  const all = (inMs: number, act: (isolate: Isolate) => Promise<unknown>): void =>
    void time.after(inMs, () => {
      for (const isolate of isolates) void act(isolate);
    });

  /** Reads keys at once, so that their verifications share a request. */
  const readKeys = (isolate: Isolate) => Promise.all(KEYS.map((key) => clients.read(isolate, key)));

  switch (scene.kind) {
    case "pace": {
      const { isolate, ms } = scene;
      const read = (index: number) => void clients.read(at(index), name);
      for (let i = 1; i <= 12; i++) {
        time.after(i * ms, () => read(isolate));
        // The log object has then asked Redis shortly before the isolate asks it.
        time.after(i * ms - 350, () => read(isolate === 2 ? 0 : 2));
      }
      time.after(time.random() * 12 * ms, () => void clients.write(at(isolate + 2), name, "key"));
      return;
    }
    case "debut": {
      const thing = THINGS[scene.thing] ?? THINGS[0];
      const look = (isolate: Isolate) => clients.look(isolate, thing);
      void clients.cron(at(scene.isolate));
      for (const inMs of [1_000, 3_000]) all(inMs, look);
      time.after(4_000, () => void clients.write(at(scene.isolate), thing, "key"));
      for (const inMs of [5_500, 7_000]) all(inMs, look);
      return;
    }
    case "relays":
      void clients.write(at(scene.isolate), name, "tag");
      for (const inMs of [30, 60]) all(inMs, (isolate) => clients.relay(isolate));
      return;
    case "lost-write": {
      all(0, (isolate) => clients.read(isolate, name));
      time.after(1_000, () => void clients.write(at(scene.isolate), name, "tag"));
      time.after(1_060 + scene.ms * (LAG_MS / 300), () => {
        cluster.failOver();
      });
      // The relay verifies the row of another key together with the lost one.
      const other = KEYS.find((key) => key !== name) ?? name;
      time.after(1_500, () => void clients.write(at(scene.isolate), other, "tag"));
      for (const inMs of [7_200, 9_200]) time.after(inMs, () => void clients.relay(at(scene.ms)));
      for (const inMs of [8_800, 10_500]) all(inMs, (isolate) => clients.read(isolate, name));
      return;
    }
    case "blackout":
      all(0, (isolate) => clients.read(isolate, name));
      time.after(150, () => void clients.write(at(scene.isolate), name, "tag"));
      time.after(400 + scene.ms, () => {
        cluster.redis.outage = "refused";
      });
      // The later reads follow the load of the first one.
      for (const inMs of [900, 1_550, 1_650, 1_750, 1_900])
        for (const reader of [scene.isolate + 1, scene.isolate + 2])
          time.after(inMs, () => void clients.readNested(at(reader), name));
      time.after(3_000, () => {
        cluster.redis.outage = "none";
      });
      return;
    case "race":
      void clients.write(at(scene.isolate), name, "through");
      time.after(scene.ms / 4, () => void clients.write(at(scene.isolate + 1), name, "prefix"));
      for (const inMs of [1_600, 2_400]) all(inMs, (isolate) => clients.read(isolate, name));
      return;
    case "overflow":
      all(0, readKeys);
      time.after(800, () => void clients.write(at(scene.isolate), name, "tag"));
      time.after(1_000 + scene.ms, () => {
        cluster.redis.storm(30);
        if (scene.ms < 150) cluster.redis.trim(Infinity);
      });
      for (const inMs of [2_700, 3_200]) all(inMs, readKeys);
      return;
    case "vain-purge":
      cluster.redis.outage = "refused";
      cluster.outbox.outage = "refused";
      void clients.purgeInVain(at(scene.isolate));
      time.after(100, () => {
        cluster.redis.outage = "none";
        cluster.outbox.outage = "none";
      });
      return;
  }
}
