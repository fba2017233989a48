/**
 * Measures the chat on workerd, with two isolates and a model that takes 2 s before its first piece.
 *
 * - The first byte of a replayed hit.
 * - Clients that wait for each answer before they ask again, with questions by a Zipf distribution: with
 *   the cache, first empty and then as that load left it, and without it (each question is new). All have the
 *   same clients and the same model.
 *
 * `CLIENTS=16`, `SECONDS=30` and `QUESTIONS=60` change the load.
 */
import { Agent, request } from "node:http";
import { bundle } from "../dev/bundle.ts";
import { forkServices } from "../dev/services-process.ts";
import { createDice } from "./support/dice.ts";
import { save, show, type Row } from "./support/report.ts";
import { quantile } from "./support/time.ts";
import { createZipf } from "./support/zipf.ts";
import { startDataCentre } from "./tiers/runtime.ts";

const MODEL_MS = 2_000;
const REPLAYS = 300;
const WARM_UP = 50;

const clients = Number(process.env["CLIENTS"] ?? 16);
const seconds = Number(process.env["SECONDS"] ?? 30);
const questions = Number(process.env["QUESTIONS"] ?? 60);

interface Timed {
  readonly firstByteMs: number;
  readonly totalMs: number;
}

const agent = new Agent({ keepAlive: true });

/** Asks one question as a stream. Rejects if the answer is not whole. */
function ask(url: string, message: string): Promise<Timed> {
  const body = JSON.stringify({ persona: "clerk", message, stream: true });
  const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const sent = request(`${url}/chat`, { method: "POST", headers, agent }, (response) => {
      let firstByteMs: number | undefined;
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        firstByteMs ??= performance.now() - startedAt;
        text += part;
      });
      response.on("error", reject);
      response.on("end", () => {
        if (!text.endsWith("data: [DONE]\n\n")) reject(new Error(`not whole: ${text}`));
        else resolve({ firstByteMs: firstByteMs ?? 0, totalMs: performance.now() - startedAt });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Runs the clients until the time is over, and returns the times of their answers. */
async function load(urls: readonly string[], next: () => string): Promise<Row> {
  const times: number[] = [];
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  await Promise.all(
    Array.from({ length: clients }, async (_, at) => {
      const url = urls[at % urls.length] ?? "";
      while (performance.now() < endsAt) times.push((await ask(url, next())).totalMs);
    }),
  );
  const tookS = (performance.now() - startedAt) / 1_000;
  return {
    answers: times.length,
    "per second": Number((times.length / tookS).toFixed(1)),
    "p50 ms": Math.round(quantile(times, 0.5)),
    "p95 ms": Math.round(quantile(times, 0.95)),
    "p99 ms": Math.round(quantile(times, 0.99)),
  };
}

const services = await forkServices();
const centre = await startDataCentre(bundle("wrangler.toml"), {
  isolates: 2,
  objects: true,
  bindings: {
    DATABASE_URL: services.databaseUrl,
    NEON_ENDPOINT: services.sqlEndpoint,
    UPSTASH_REDIS_REST_URL: services.redisUrl,
    UPSTASH_REDIS_REST_TOKEN: services.redisToken,
    LLM_BASE_URL: `${services.url}/llm/v1`,
    LLM_MODEL: "stand-in",
    STRATA_LOG: "off",
    STRATA_DEV: "1",
  },
});

async function calls(): Promise<number> {
  const counts = (await (await fetch(`${services.url}/counts`)).json()) as {
    llm: { requests: number };
  };
  return counts.llm.requests;
}

async function counted(name: string, next: () => string): Promise<Row> {
  const before = await calls();
  const row = await load(centre.urls, next);
  return { name, ...row, calls: (await calls()) - before };
}

try {
  const [url = ""] = centre.urls;
  await ask(url, "How do I return a product?");
  const replays: number[] = [];
  for (let count = -WARM_UP; count < REPLAYS; count++) {
    const { firstByteMs } = await ask(url, "How do I return a product?");
    if (count >= 0) replays.push(firstByteMs);
  }
  const ms = (share: number): string => quantile(replays, share).toFixed(1);
  const replay = { replays: REPLAYS, "p50 ms": ms(0.5), "p95 ms": ms(0.95), "p99 ms": ms(0.99) };
  show("First byte of a replayed hit", [replay]);

  await fetch(`${services.url}/faults/llm`, {
    method: "PUT",
    body: JSON.stringify({ latencyMs: MODEL_MS, chunkDelayMs: 0 }),
  });
  let fresh = 0;
  const without = await counted("without the cache", () => `Question ${fresh++} of the bench?`);
  const rank = createZipf(questions, 1, createDice(7));
  const ofRank = (): string => `Question of rank ${rank()}?`;
  const cold = await counted("with the cache, from empty", ofRank);
  const warm = await counted("with the cache, after that", ofRank);
  show(`${clients} clients for ${seconds} s, a model of ${MODEL_MS} ms, Zipf over ${questions}`, [
    without,
    cold,
    warm,
  ]);
  save("chat", { replay, loads: [without, cold, warm] });
} finally {
  agent.destroy();
  await centre.close();
  await services.close();
}
