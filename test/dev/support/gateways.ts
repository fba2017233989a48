import { createCounts } from "../../../dev/gateway/counts.ts";
import { createFaults } from "../../../dev/gateway/faults.ts";
import type { Gateway, GatewayServer } from "../../../dev/gateway/server.ts";
import { startGatewayServer } from "../../../dev/gateway/server.ts";
import type { Counts } from "../../../dev/gateway/counts.ts";

export interface TestGateways extends GatewayServer {
  /** Reads the counters over HTTP, by `GET /counts`. */
  counts(): Promise<Counts>;
  resetCounts(): Promise<void>;
  /** Sets a fault by `PUT /faults/<target>`. */
  fault(target: string, fault: unknown): Promise<Response>;
  clearFaults(): Promise<Response>;
}

/** Serves gateways on a free port, with functions for the control routes. */
export async function serveGateways(
  make: (counts: Counts) => readonly Gateway[],
): Promise<TestGateways> {
  const counts = createCounts();
  const server = await startGatewayServer({
    port: 0,
    counts,
    faults: createFaults(),
    gateways: make(counts),
  });
  return {
    ...server,
    async counts() {
      const response = await fetch(`${server.url}/counts`);
      return (await response.json()) as Counts;
    },
    async resetCounts() {
      await fetch(`${server.url}/counts/reset`, { method: "POST" });
    },
    fault: (target, fault) =>
      fetch(`${server.url}/faults/${target}`, {
        method: "PUT",
        body: typeof fault === "string" ? fault : JSON.stringify(fault),
      }),
    clearFaults: () => fetch(`${server.url}/faults`, { method: "DELETE" }),
  };
}
