/** An isolate of whose keys a test asks why. */
import type { Context as HonoContext } from "hono";
import {
  cached,
  definePolicy,
  key,
  respond,
  type PolicyOptions,
  type StrataEnv,
  type StrataOptions,
} from "../../src/index.ts";
import { createTestContext } from "../support/context.ts";
import { createTelemetryApp, newNamespace } from "../telemetry/support.ts";

interface WorldOptions {
  readonly policy?: Partial<PolicyOptions>;
  readonly strata?: StrataOptions;
  readonly variables?: Readonly<Record<string, string>>;
  readonly namespace?: string;
  /** Makes the value of an id. "no-store" is a value that its loader does not let the cache store. */
  readonly make?: (id: string) => unknown;
  /** The handler of the cached route /pages/:id. */
  readonly page?: (c: HonoContext<StrataEnv>) => Response;
}

/** An isolate with the data `thing:<id>` behind /things/:id, and the cached route /pages/:id. */
export function createWorld({
  policy: policyOptions = {},
  strata = {},
  variables = {},
  namespace = newNamespace(),
  make = (id) => ({ id }),
  page = (c) => c.text("page"),
}: WorldOptions = {}) {
  const policy = definePolicy({ freshFor: "10m", jitter: 0, ...policyOptions });
  const app = createTelemetryApp(
    namespace,
    (routes) => {
      routes.use((c, next) => {
        c.set("client" as never, "Ada" as never);
        return next();
      });
      routes.get("/things/:id", async (c) => {
        const id = c.req.param("id");
        const lookup = await c.var.strata.cache.read(key("thing", id), policy, async (load) => {
          load.tag(`thing:${id}`);
          const made = await make(id);
          if (made === "no-store") load.noStore();
          return made;
        });
        return respond(c, lookup);
      });
      routes.get(
        "/pages/:id",
        cached({ freshFor: "10m", key: (c) => key("page", c.req.param("id") ?? "") }),
        (c) => page(c),
      );
    },
    variables,
    { telemetry: { flushEvery: "50ms" }, ...strata },
  );
  const ctx = createTestContext({ now: app.clock.now });
  return {
    ...app,
    ctx,
    read: (id: string) => app.get(`/things/${id}`),
    why: (id: string) => app.layer.why(key("thing", id), ctx),
    whyPage: async (id: string) => {
      await app.get(`/pages/${id}`);
      return app.layer.why(key("page", id), ctx);
    },
  };
}
