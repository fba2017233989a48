import { env } from "cloudflare:workers";
import { createStrata, definePolicy, key } from "strata";
import { durable, flights } from "strata/durable";

export { FlightShard, StrataStore } from "strata/durable";

interface Env {
  readonly STRATA: DurableObjectNamespace;
  readonly FLIGHTS: DurableObjectNamespace;
}

const { STRATA, FLIGHTS } = env as Env;
const strata = createStrata({
  namespace: "durable-only",
  shared: durable(STRATA),
  flights: flights(FLIGHTS),
});
const greetings = definePolicy({ freshFor: "5m", tags: ["greetings"] });

export default {
  async fetch(request, _env, ctx) {
    const cache = strata.open(ctx);
    if (request.method === "DELETE") {
      await cache.invalidateTags("greetings");
      return new Response(null, { status: 204 });
    }
    const name = new URL(request.url).pathname.slice(1) || "world";
    const { value, status } = await cache.read(key("greeting", name), greetings, async () => {
      return `Hello, ${name}. It is ${new Date().toISOString()}.\n`;
    });
    return new Response(value, { headers: { "X-Cache-Status": status } });
  },
} satisfies ExportedHandler<Env>;
