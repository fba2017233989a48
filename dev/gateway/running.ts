import type { ServerResponse } from "node:http";
import type { FaultTarget } from "./faults.ts";

/** Calls of one gateway that have arrived and whose response has not ended. */
interface Gauge {
  now: number;
  /** The most at one time since the start or the last reset. */
  most: number;
}

/** Calls that run in the gateways at the same time. A call whose client has gone has ended. */
export interface Running {
  begin(target: FaultTarget, response: ServerResponse): void;
  reset(): void;
  /** The body of `GET /running`. */
  report(): Readonly<Record<FaultTarget, Readonly<Gauge>>>;
}

export function createRunning(): Running {
  const gauges: Record<FaultTarget, Gauge> = {
    redis: { now: 0, most: 0 },
    sql: { now: 0, most: 0 },
    otlp: { now: 0, most: 0 },
    llm: { now: 0, most: 0 },
  };
  return {
    begin(target, response) {
      const gauge = gauges[target];
      gauge.now += 1;
      gauge.most = Math.max(gauge.most, gauge.now);
      response.once("close", () => {
        gauge.now -= 1;
      });
    },
    reset() {
      for (const gauge of Object.values(gauges)) gauge.most = gauge.now;
    },
    report: () => gauges,
  };
}
