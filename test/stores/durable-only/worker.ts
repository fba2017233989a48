/** A Worker that has Durable Objects and no other service. */
import { env } from "cloudflare:workers";
import { createStrata, definePolicy, key } from "../../../src/entries/data.ts";
import { Hono } from "hono";
import { durable, durableLedger, durableSessions, flights } from "../../../src/entries/durable.ts";
import { middleware, rateLimits, sessions, type StrataEnv } from "../../../src/entries/hono.ts";

export {
  FlightShard,
  StrataLedger,
  StrataSessions,
  StrataStore,
} from "../../../src/entries/durable.ts";

const strata = createStrata({
  namespace: "durable-only",
  // A process that has just started may be slow on a busy machine.
  shared: durable(env.STRATA, { timeout: "10s" }),
  flights: flights(env.FLIGHTS, { grantTimeout: "10s" }),
});
const { rateLimit } = rateLimits(strata, { ledger: durableLedger(env.LEDGER, { timeout: "10s" }) });
const limited = new Hono<StrataEnv>();
limited.use(middleware(strata, limited));
limited.use(rateLimit({ name: "limited", endpoint: "10/1h", onUnavailable: "closed" }));
limited.get("/limited/:client", (c) => c.text("content"));
const { current, start, revokeAll } = sessions(strata, {
  store: durableSessions(env.SESSIONS, { shards: 3 }),
});
const signedIn = new Hono<StrataEnv>();
signedIn.use(middleware(strata, signedIn));
signedIn.onError((error, c) => c.text(error.message, 503));
signedIn.post("/sessions/:user", async (c) => c.json(await start(c, c.req.param("user"))));
signedIn.get("/sessions/current", async (c) => {
  const session = await current(c);
  return session === undefined ? c.text("sign in", 401) : c.text(session.user);
});
signedIn.delete("/sessions/:user", async (c) =>
  c.json(await revokeAll(c.req.param("user"), c.var.strata.ctx)),
);
const ITEMS = { freshFor: "10m", jitter: 0, tags: ["items"] } as const;
const items = definePolicy(ITEMS);
const inObjects = definePolicy({ ...ITEMS, tiers: ["redis"] });
/** The number of loads of each item in this process. */
const loads = new Map<string, number>();

async function load(id: string): Promise<string> {
  const count = (loads.get(id) ?? 0) + 1;
  loads.set(id, count);
  await new Promise((resolve) => setTimeout(resolve, 300));
  return crypto.randomUUID();
}

export default {
  async fetch(request, bindings, ctx) {
    const cache = strata.open(ctx);
    const [, action = "", id = ""] = new URL(request.url).pathname.split("/");
    switch (action) {
      case "items": {
        const { value, status, unreachable } = await cache.read(key("item", id), items, () =>
          load(id),
        );
        return Response.json({ value, status, unreachable });
      }
      case "stored": {
        // Neither memory nor the edge of this instance answers, and nothing is loaded.
        const found = await cache.get(key("item", id), inObjects);
        return Response.json({ value: found?.value ?? null, era: cache.position().era });
      }
      case "limited":
        return limited.fetch(request, bindings, ctx);
      case "sessions":
        return signedIn.fetch(request, bindings, ctx);
      case "loads":
        return Response.json(loads.get(id) ?? 0);
      case "purge":
        await (id === "" ? cache.invalidateTags("items") : cache.invalidate(key("item", id)));
        return new Response(null, { status: 204 });
      default:
        return new Response("ready");
    }
  },
} satisfies ExportedHandler;
