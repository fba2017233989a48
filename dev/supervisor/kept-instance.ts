import type { ProcessGroup } from "./process-group.ts";
import {
  startWorkerInstance,
  untilHealthy,
  type WorkerInstanceOptions,
} from "./worker-instance.ts";

const READY_DEADLINE_MS = 120_000;

/**
 * wrangler restarts a runtime that has crashed. If the process that accepts the connections was killed,
 * the restarted one often serves no requests.
 */
const RUNTIME_CRASHED = /Workers runtime crashed/;
const RECOVERY_DEADLINE_MS = 8_000;

/** An instance that dies more often than this within ten minutes has a fault that a restart does not mend. */
const MAX_RESTARTS = 3;
const WITHIN_MS = 600_000;

export interface KeptInstanceOptions extends WorkerInstanceOptions {
  /** The name in messages: "Worker instance 1". */
  readonly name: string;
  /** The route that answers 200 when the instance is ready. */
  readonly healthUrl: string;
  readonly print: (line: string) => void;
  /** Receives the reason if the instance died and cannot be brought back. */
  readonly fail: (reason: Error) => void;
  readonly signal: AbortSignal;
}

export interface KeptInstance {
  /** Resolves when the instance answers for the first time. Rejects if it does not. */
  readonly ready: Promise<void>;
  /** Ends the instance for good. */
  stop(): Promise<void>;
}

/**
 * Runs one Worker instance, and starts it again if its processes end, or if it does not answer after
 * a crash of its runtime. An instance that has never answered is not started again.
 */
export function keepInstance(options: KeptInstanceOptions): KeptInstance {
  const { name, healthUrl, print, fail, signal } = options;
  let group: ProcessGroup;
  let isReady = false;
  let isRestarting = false;
  let stopped = false;
  let restarts: readonly number[] = [];

  const begin = (): void => {
    const begun = startWorkerInstance({
      ...options,
      onLine(line) {
        options.onLine(line);
        if (RUNTIME_CRASHED.test(line)) void recover(begun);
      },
    });
    group = begun;
    void begun.ended.then((how) => died(begun, `${name} ended: ${how}`));
  };

  async function recover(crashed: ProcessGroup): Promise<void> {
    try {
      await untilHealthy(healthUrl, RECOVERY_DEADLINE_MS, signal);
    } catch (cause) {
      await died(crashed, `${name} did not recover from a crash`, cause);
    }
  }

  async function died(of: ProcessGroup, reason: string, cause?: unknown): Promise<void> {
    // A group that is being stopped, or has been replaced, ends as it should.
    if (stopped || signal.aborted || isRestarting || of !== group) return;
    const now = performance.now();
    restarts = [...restarts.filter((at) => now - at < WITHIN_MS), now];
    if (!isReady || restarts.length > MAX_RESTARTS) {
      fail(new Error(reason, { cause }));
      return;
    }
    print(`${reason}; it is started again`);
    isRestarting = true;
    try {
      await of.stop();
      if (stopped || signal.aborted) return;
      begin();
      isRestarting = false;
      await untilHealthy(healthUrl, READY_DEADLINE_MS, signal);
      print(`${name} answers again`);
    } catch (error) {
      if (!signal.aborted) fail(new Error(`${name} could not be started again`, { cause: error }));
    }
  }

  begin();
  return {
    ready: untilHealthy(healthUrl, READY_DEADLINE_MS, signal).then(() => {
      isReady = true;
    }),
    async stop() {
      stopped = true;
      await group.stop();
    },
  };
}
