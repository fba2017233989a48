import { createStrata, definePolicy, key } from "strata";

const strata = createStrata({ namespace: "worker" });
const greeting = definePolicy({ freshFor: "5m", tags: ["greetings"] });

export default {
  async fetch(request, _env, ctx) {
    const cache = strata.open(ctx);
    if (request.method === "DELETE") {
      await cache.invalidateTags("greetings");
      return new Response(null, { status: 204 });
    }
    const name = new URL(request.url).pathname.slice(1);
    const load = async () => `Hello, ${name}, at ${new Date().toISOString()}\n`;
    const { value, status } = await cache.read(key("greeting", name), greeting, load);
    return new Response(value, { headers: { "X-Cache-Status": status } });
  },
} satisfies ExportedHandler;
