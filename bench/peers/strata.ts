import { startServices, type Services } from "../../dev/services.ts";
import { createRedis } from "../../src/redis/client.ts";
import { createRedisStore } from "../../src/redis/store.ts";
import { createStrataDeployment, version } from "./strata-deployment.ts";
import type { Subject } from "./subject.ts";

let starting: Promise<Services> | undefined;
let deployments = 0;

/** Strata with Redis over its REST protocol. */
export const strata: Subject = {
  name: "Strata",
  version,
  setup: "memory + Redis (embedded, over REST) + flights",
  async create({ processes }) {
    starting ??= startServices({ redis: "embedded", seed: false });
    const { redisUrl, redisToken } = await starting;
    const namespace = `peers-${++deployments}`;
    const openStore = () =>
      createRedisStore({
        redis: createRedis({ url: redisUrl, token: redisToken, timeoutMs: 5_000 }),
        namespace,
        newId: () => crypto.randomUUID(),
        maxEntryChars: 2 ** 20,
      });
    return createStrataDeployment(processes, openStore, () => Promise.resolve());
  },
  async end() {
    await (await starting)?.close();
  },
};
