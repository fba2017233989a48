export interface CronOptions {
  /** The Worker instance whose handler is fired. */
  readonly url: string;
  readonly crons: readonly string[];
  readonly everyMs: number;
  readonly log: (line: string) => void;
}

/**
 * Fires the cron handler regularly, which `wrangler dev` does not do by itself. Every schedule is
 * fired at every turn, whatever its times: a laptop's day is short.
 * Gives the function that ends it.
 */
export function startCron({ url, crons, everyMs, log }: CronOptions): () => void {
  const controller = new AbortController();
  let running = false;
  const fire = async (): Promise<void> => {
    if (running) return;
    running = true;
    try {
      for (const cron of crons) {
        const target = `${url}/cdn-cgi/handler/scheduled?cron=${encodeURIComponent(cron)}`;
        const response = await fetch(target, { signal: controller.signal });
        if (!response.ok)
          log(
            `cron "${cron}" failed: status ${response.status}: ${(await response.text()).slice(0, 300)}`,
          );
        else await response.body?.cancel();
      }
    } catch (error) {
      if (!controller.signal.aborted)
        log(`cron could not be fired: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      running = false;
    }
  };
  const timer =
    crons.length > 0 && everyMs > 0 ? setInterval(() => void fire(), everyMs) : undefined;
  return () => {
    clearInterval(timer);
    controller.abort();
  };
}
