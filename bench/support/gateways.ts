/** Asks the gateways of the local services for their counts, and sets their delays. */
import type { Counts } from "../../dev/gateway/counts.ts";

interface Gateways {
  readonly url: string;
}

/** Adds a delay to every answer of a gateway. */
export async function setLatency(
  { url }: Gateways,
  service: "sql" | "redis",
  latencyMs: number,
): Promise<void> {
  const body = JSON.stringify({ latencyMs });
  const response = await fetch(`${url}/faults/${service}`, { method: "PUT", body });
  if (!response.ok) throw new Error(`faults/${service}: ${await response.text()}`);
}

/** Returns the requests, commands and queries since the start. */
export async function countsOf({ url }: Gateways): Promise<Counts> {
  return (await (await fetch(`${url}/counts`)).json()) as Counts;
}
