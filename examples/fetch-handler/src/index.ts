import { createStrata, definePolicy, key } from "strata";

interface Env {
  readonly API_URL: string;
}

const strata = createStrata({ namespace: "fetch-handler" });
const product = definePolicy({ freshFor: "1m", staleIfError: "1h", negativeFor: "10s" });

export default {
  async fetch(request, env, ctx) {
    const id = /^\/products\/(\d{1,9})$/.exec(new URL(request.url).pathname)?.[1];
    if (id === undefined) return new Response("no such page\n", { status: 404 });
    const url = `${env.API_URL}/products/${id}`;
    const cache = strata.open(ctx);

    if (request.method === "PUT") {
      const answer = await fetch(url, { method: "PUT", body: request.body });
      if (answer.ok) await cache.invalidate(key("product", id));
      return answer;
    }
    const { value, status } = await cache.read(key("product", id), product, async ({ signal }) => {
      const answer = await fetch(url, { signal });
      if (answer.status === 404) return undefined;
      if (!answer.ok) throw new Error(`the API answered ${answer.status}`);
      return answer.json();
    });
    const headers = { "X-Cache-Status": status };
    if (value === undefined) return new Response("no such product\n", { status: 404, headers });
    return Response.json(value, { headers });
  },
} satisfies ExportedHandler<Env>;
