import { createStrata, definePolicy, key } from "strata";

interface Env {
  readonly QUEUE: Queue<{ readonly changed: string }>;
}

const strata = createStrata({ namespace: "cron-and-queue" });
const report = definePolicy({ freshFor: "10m", tags: ["report"] });
const REPORT = key("report", "today");
const load = async () => `Report of ${new Date().toISOString()}\n`;

export default {
  async fetch(request, env, ctx) {
    if (request.method === "POST") {
      await env.QUEUE.send({ changed: "report" });
      return new Response(null, { status: 202 });
    }
    const { value, status } = await strata.open(ctx).read(REPORT, report, load);
    return new Response(value, { headers: { "X-Cache-Status": status } });
  },

  async scheduled(_controller, _env, ctx) {
    await strata.open(ctx).read(REPORT, report, load);
  },

  // An invalidation that fails makes the platform deliver the messages again.
  async queue(batch, _env, ctx) {
    await strata.open(ctx).invalidateTags(...batch.messages.map(({ body }) => body.changed));
  },
} satisfies ExportedHandler<Env, { readonly changed: string }>;
