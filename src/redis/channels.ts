import type { Result } from "../core/result.ts";
import { attempt, type RedisClient } from "./client.ts";

/** Publishes messages in their order, with one request. */
export function publishAll(
  redis: RedisClient,
  messages: readonly { readonly channel: string; readonly message: string }[],
): Promise<Result<void>> {
  return attempt(async () => {
    const pipeline = redis.pipeline();
    for (const { channel, message } of messages) pipeline.publish(channel, message);
    await pipeline.exec();
  });
}
