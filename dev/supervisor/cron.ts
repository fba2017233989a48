export interface CronOptions {
  /** URL of the Worker instance whose handler is called. */
  readonly url: string;
  readonly crons: readonly string[];
  readonly everyMs: number;
  readonly log: (line: string) => void;
}

/** Runs the cron handler of an instance once, with one of its schedules. */
export function runCron(url: string, cron: string, signal?: AbortSignal): Promise<Response> {
  const target = `${url}/cdn-cgi/local/scheduled?cron=${encodeURIComponent(cron)}`;
  return fetch(target, signal === undefined ? {} : { signal });
}

/**
 * Calls the cron handler at a fixed interval, because `wrangler dev` does not. Each call uses every
 * schedule, whatever its times. Returns a function that stops the calls.
 */
export function startCron({ url, crons, everyMs, log }: CronOptions): () => void {
  const controller = new AbortController();
  let running = false;
  const callHandler = async (): Promise<void> => {
    if (running) return;
    running = true;
    try {
      for (const cron of crons) {
        const response = await runCron(url, cron, controller.signal);
        if (!response.ok)
          log(
            `cron "${cron}" failed: status ${response.status}: ${(await response.text()).slice(0, 300)}`,
          );
        else await response.body?.cancel();
      }
    } catch (error) {
      if (!controller.signal.aborted)
        log(`the cron handler failed: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      running = false;
    }
  };
  const timer =
    crons.length > 0 && everyMs > 0 ? setInterval(() => void callHandler(), everyMs) : undefined;
  return () => {
    clearInterval(timer);
    controller.abort();
  };
}
