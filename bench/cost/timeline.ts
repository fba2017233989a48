/**
 * Simulated time in whole milliseconds. Calls of one millisecond run in the order in which they were
 * scheduled. Nothing is asynchronous, so a run of ten million calls takes seconds.
 */
export interface Timeline {
  now(): number;
  /** Schedules a call. An instant in the past counts as now. */
  at(instant: number, call: () => void): void;
  /** Runs the calls before `end`, and ends there. */
  run(end: number): void;
}

export function createTimeline(): Timeline {
  const due = new Map<number, (() => void)[]>();
  let now = 0;
  return {
    now: () => now,
    at(instant, call) {
      const slot = Math.max(now, Math.round(instant));
      const calls = due.get(slot);
      if (calls === undefined) due.set(slot, [call]);
      else calls.push(call);
    },
    run(end) {
      for (; now < end; now++) {
        const calls = due.get(now);
        if (calls === undefined) continue;
        // A call may schedule another one for the same millisecond.
        for (let next = 0; next < calls.length; next++) calls[next]?.();
        due.delete(now);
      }
    },
  };
}
