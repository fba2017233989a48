/** Calls the local services directly, without the program under test. */
import { env } from "cloudflare:workers";

/** Runs one command in Redis. @throws if Redis refuses it. */
export async function redisCommand<T = unknown>(
  ...command: readonly (string | number)[]
): Promise<T> {
  const response = await fetch(env.UPSTASH_REDIS_REST_URL, {
    method: "POST",
    headers: { authorization: `Bearer ${env.UPSTASH_REDIS_REST_TOKEN}` },
    body: JSON.stringify(command),
  });
  const answer = await response.json<{ result: T; error?: string }>();
  if (answer.error !== undefined) throw new Error(`${command[0]}: ${answer.error}`);
  return answer.result;
}

export interface RedisCounts {
  readonly requests: number;
  readonly commands: number;
}

/** Counts the requests and commands to Redis while `work` runs. Only for tests that run alone. */
export async function countRedis(work: () => Promise<unknown>): Promise<RedisCounts> {
  const before = await counts();
  await work();
  const after = await counts();
  return {
    requests: after.requests - before.requests,
    commands: after.commands - before.commands,
  };
}

async function counts(): Promise<RedisCounts> {
  const response = await fetch(`${env.SERVICES_URL}/counts`);
  return (await response.json<{ redis: RedisCounts }>()).redis;
}

/** Makes Redis fail until clearFaults(). Only for tests that run alone. */
export async function failRedis(fault: Readonly<Record<string, unknown>>): Promise<void> {
  const response = await fetch(`${env.SERVICES_URL}/faults/redis`, {
    method: "PUT",
    body: JSON.stringify(fault),
  });
  if (!response.ok) throw new Error(await response.text());
}

export async function clearFaults(): Promise<void> {
  await fetch(`${env.SERVICES_URL}/faults`, { method: "DELETE" });
}
