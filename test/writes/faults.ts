/** Faults of the local services, for tests that run alone. */
import { env } from "cloudflare:workers";

export async function putFault(
  target: "redis" | "sql" | "otlp" | "llm",
  fault: object,
): Promise<void> {
  const response = await fetch(`${env.SERVICES_URL}/faults/${target}`, {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(fault),
  });
  if (!response.ok) throw new Error(`no such fault: ${await response.text()}`);
}

export async function clearFaults(): Promise<void> {
  await fetch(`${env.SERVICES_URL}/faults`, { method: "DELETE" });
}
