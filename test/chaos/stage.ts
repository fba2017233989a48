import { setTimeout as pause } from "node:timers/promises";
import { ROOT, startProduct, type Product } from "../e2e/support/product.ts";
import { startScriptedOrigin, type ScriptedOrigin } from "../e2e/support/scripted-origin.ts";
import type { LocalServices } from "../e2e/support/services.ts";
import { until } from "../e2e/support/waiting.ts";
import { startDirectProduct, type DirectProduct } from "./direct-product.ts";
import { drive, type Drive, type DriveOptions } from "./drive.ts";
import type { Headroom } from "./headroom.ts";
import { createShop, stockShop, type Shop } from "./shop.ts";
import { slowestOf } from "./slowest.ts";
import { runAll, startOrStop, type Stops } from "./steps.ts";
import { visit, type Errand, type Visit } from "./visit.ts";

export const INSTANCES = 2;
const RECOVERY_MS = 60_000;
/** Reads that must succeed one after the other before a trial begins. */
const STEADY_READS = 4;
const WARMING = 10;
/**
 * The members of `request.cf` that the Worker reads. workerd itself takes them from this field; the proxy of
 * `wrangler dev` answers no request that has it.
 */
const NETWORK = { "MF-CF-Blob": JSON.stringify({ colo: "DFW", continent: "NA", country: "US" }) };

/** `npm run dev`, and its clients. */
export interface DevProduct {
  readonly product: Product;
  readonly shop: Shop;
}

/** The running product, and what a trial needs to drive it. */
export interface Stage {
  readonly product: DirectProduct;
  /** The folder of the Worker under test. */
  readonly root: string;
  readonly services: LocalServices;
  readonly shop: Shop;
  readonly origin: ScriptedOrigin;
  /**
   * Starts `npm run dev` with products and the stage's variables for a trial. It ends with the stage at the latest. Until
   * the next `settle()`, the headroom reports its capacity.
   */
  startDev(): Promise<DevProduct>;
  /** Scales a duration of the plan by the factor of the run, in milliseconds. */
  seconds(planned: number): number;
  /** Scales a rate of clients of the plan by the factor of the run, in clients a second. */
  rate(planned: number): number;
  /** Drives clients, and notes the headroom for the report. */
  drive(options: DriveOptions): Promise<Drive>;
  /** Makes one visit outside a drive. */
  ask(errand: Errand): Promise<Pick<Visit, "outcome" | "status" | "headers">>;
  /** Takes products from a shop, by default the stage's, and reads each on both instances. Then the memory of both holds them. */
  warm(count: number, from?: Shop): Promise<readonly number[]>;
  /**
   * Ends all faults, waits until reads on both instances succeed and are stored, and measures the capacity
   * that the headroom reports.
   */
  settle(): Promise<void>;
  /** The headroom of the drives since the last call. */
  takeHeadroom(): readonly Headroom[];
  stop(): Promise<void>;
}

export interface StageOptions {
  /** The folder of the Worker under test. */
  readonly root: string | undefined;
  readonly factor: number;
  /** Scales the rates at which clients come. */
  readonly rate: number;
  /** How many of the slowest visits of each outcome are printed after each drive. */
  readonly slowest: number;
}

export function startStage(options: StageOptions): Promise<Stage> {
  return startOrStop((stops) => start(options, stops));
}

async function start(
  { root = ROOT, factor, rate, slowest }: StageOptions,
  stops: Stops,
): Promise<Stage> {
  const origin = await startScriptedOrigin();
  stops.add(() => origin.close());
  const variables = {
    ORIGIN_URL: origin.url,
    // Spans of every request would take more of a small machine than the requests.
    OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
    OTEL_TRACES_SAMPLER_ARG: "0.02",
    // The default of a deployment. The local collector shares a processor with Redis and SQL.
    OTEL_METRIC_EXPORT_INTERVAL: "60000",
  };
  const product = await startDirectProduct({
    instances: INSTANCES,
    cronSeconds: 60,
    root,
    variables,
  });
  stops.add(() => product.stop());
  const { services } = product;
  const shop = createShop(product.urls, product.adminToken, NETWORK);
  const everyInstance = product.urls.map((_url, instance) => instance);
  const devs = new Set<Product>();
  stops.add(() => runAll([...devs].map((dev) => () => dev.stop())));
  const headrooms: Headroom[] = [];
  let capacity = 0;

  const settle = async (): Promise<void> => {
    await services.heal();
    for (const instance of everyInstance) {
      let steady = 0;
      await until(
        async () => {
          const [id = 0] = shop.take(1);
          const { headers, outcome } = await visit(shop.product(instance, id), {
            leavesAfterMs: 5_000,
          });
          const stored = outcome === "fresh" && /stored/.test(headers["cache-status"] ?? "");
          steady = stored ? steady + 1 : 0;
          return { steady, outcome, headers };
        },
        (last) => last.steady >= STEADY_READS,
        RECOVERY_MS,
        250,
      );
    }
    capacity = await measureCapacity(shop);
  };

  await stockShop(services);
  await settle();
  return {
    product,
    root,
    services,
    shop,
    origin,
    seconds: (planned) => planned * 1_000 * factor,
    rate: (planned) => planned * rate,
    settle,
    async drive(options) {
      const driven = await Promise.race([drive(options), product.died]);
      const offered = options.streams.reduce((sum, { perSecond }) => sum + perSecond, 0);
      headrooms.push({ ...driven.headroom, offered, capacity });
      for (const line of slowestOf(driven.visits, slowest)) console.log(line);
      return driven;
    },
    ask: (errand) => visit(errand, {}),
    async warm(count, from = shop) {
      const ids = from.take(count);
      for (let first = 0; first < count; first += WARMING)
        await Promise.all(
          ids
            .slice(first, first + WARMING)
            .flatMap((id) => everyInstance.map((at) => visit(from.product(at, id), {}))),
        );
      // After an answer, its entry goes to Redis and to the edge.
      await pause(200);
      return ids;
    },
    takeHeadroom: () => headrooms.splice(0),
    async startDev() {
      const dev = await startProduct({ instances: INSTANCES, root, env: variables });
      devs.add(dev);
      await stockShop(dev.services);
      // The proxy of `wrangler dev` answers no request that has the fields of NETWORK.
      const devShop = createShop(dev.urls, dev.adminToken);
      capacity = await measureCapacity(devShop);
      return {
        product: {
          ...dev,
          async stop() {
            devs.delete(dev);
            await dev.stop();
          },
        },
        shop: devShop,
      };
    },
    stop: () => stops.stop(),
  };
}

const CAPACITY = { clients: 16, products: 21, forMs: 1_000 };

/** Measures how many warm reads a second the instances answer together. */
async function measureCapacity(shop: Shop): Promise<number> {
  const ids = shop.take(CAPACITY.products);
  const read = (n: number) => visit(shop.product(n % INSTANCES, ids[n % ids.length] ?? 0), {});
  // An odd number of products, so that in two rounds both instances read each.
  for (let n = 0; n < INSTANCES * ids.length; n += 1) await read(n);
  const begin = performance.now();
  let answered = 0;
  const client = async (at: number): Promise<void> => {
    for (let n = at; performance.now() - begin < CAPACITY.forMs; n += CAPACITY.clients) {
      await read(n);
      answered += 1;
    }
  };
  await Promise.all(Array.from({ length: CAPACITY.clients }, (_, at) => client(at)));
  return (answered / (performance.now() - begin)) * 1_000;
}
