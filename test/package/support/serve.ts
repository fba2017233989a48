/** Runs a bundled Worker in workerd, behind a port of this machine. */
import { convertV4MiniflareOptions, Miniflare, Response as MiniflareResponse } from "miniflare";

export interface ServeOptions {
  /** Answers the requests that the Worker sends. */
  readonly outbound?: (url: URL, method: string) => Response;
  readonly variables?: Readonly<Record<string, string>>;
  /** The names of Durable Object classes by binding. */
  readonly objects?: Readonly<Record<string, string>>;
  /** The name of the queue behind the binding `QUEUE`, which the Worker also consumes. */
  readonly queue?: string;
  /** The statements, one a line, that make the D1 database behind the binding `DB`. */
  readonly database?: string;
}

export interface Served extends AsyncDisposable {
  readonly url: URL;
  /** Runs the handler of the cron trigger. */
  scheduled(): Promise<void>;
}

export async function serve(script: string, options: ServeOptions = {}): Promise<Served> {
  const { outbound, variables, objects = {}, queue, database } = options;
  const away = () => new Response("no server", { status: 502 });
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script,
      compatibilityDate: "2026-11-02",
      compatibilityFlags: ["nodejs_als"],
      bindings: { ...variables },
      durableObjects: Object.fromEntries(
        Object.entries(objects).map(([binding, className]) => [
          binding,
          { className, useSQLite: true },
        ]),
      ),
      ...(queue !== undefined && {
        queueProducers: { QUEUE: queue },
        queueConsumers: { [queue]: { maxBatchTimeout: 0 } },
      }),
      ...(database !== undefined && { d1Databases: { DB: "example" } }),
      async outboundService(request) {
        const response = (outbound ?? away)(new URL(request.url), request.method);
        return new MiniflareResponse(await response.text(), {
          status: response.status,
          headers: Object.fromEntries(response.headers),
        });
      },
    }),
  );
  const url = await miniflare.ready;
  if (database !== undefined) await (await miniflare.getD1Database("DB")).exec(database);
  return {
    url,
    async scheduled() {
      const worker = await miniflare.getWorker();
      await worker.scheduled({ cron: "* * * * *" });
    },
    [Symbol.asyncDispose]: () => miniflare.dispose(),
  };
}
