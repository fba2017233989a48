/**
 * Lets the reads of one batch take their steps together. A read that comes to a gathered step waits
 * there until every other read of the batch has come to a gathered step, has ended, or waits for
 * another isolate. Then one call is made for all reads that wait at the step.
 */

/** Makes one call for the items of several reads. Returns a result for each item, in their order. */
type CallForAll<I, O> = (items: readonly [I, ...I[]]) => Promise<readonly O[]>;

/** An item of the read of one key. */
interface Keyed {
  readonly key: string;
}

export interface Gather {
  /** Adds a read of the batch for as long as `work` runs. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
  /**
   * Creates a gathered step. The step that was created first is called first. `holds`: the other
   * reads wait for the end of the call, because its reads may come to their steps too. `frees`: the
   * other reads go on.
   */
  step<I extends Keyed, O>(
    others: "holds" | "frees",
    call: CallForAll<I, O>,
  ): (item: I) => Promise<O>;
  /** Creates a gathered step for which the read does not wait. */
  background<I, O>(call: CallForAll<I, O>): (item: I) => Promise<O>;
  /** The other reads do not wait for this one until `resume`. */
  pause(key: string): void;
  resume(key: string): void;
  /** All reads were added. Before this, no call is made. */
  open(): void;
}

export function createGather(): Gather {
  /** The keys of the reads for which the others wait. */
  const busy = new Set<string>();
  /** One function for each step. It makes the call if reads wait at the step. */
  const flushes: (() => void)[] = [];
  let isOpen = false;

  function callIfReady(): void {
    for (const flush of flushes) {
      if (!isOpen || busy.size > 0) return;
      flush();
    }
  }

  function pause(key: string): void {
    busy.delete(key);
    callIfReady();
  }

  /** Creates a queue of items that one call takes together. */
  function createQueue<I, O>(
    call: CallForAll<I, O>,
    onCall: (items: readonly I[]) => void,
    onEnd: (items: readonly I[]) => void,
  ): (item: I) => Promise<O> {
    let waiting: { readonly item: I; readonly end: (result: Promise<O>) => void }[] = [];

    async function flush(): Promise<void> {
      const taken = waiting;
      waiting = [];
      const [first, ...rest] = taken.map(({ item }) => item);
      if (first === undefined) return;
      const items = [first, ...rest] as const;
      onCall(items);
      const results = call(items);
      await results.catch(() => undefined);
      onEnd(items);
      for (const [i, { end }] of taken.entries()) end(results.then((all) => all[i] as O));
    }

    flushes.push(() => void flush());
    return (item) => new Promise((resolve) => void waiting.push({ item, end: resolve }));
  }

  function resumeAll(items: readonly Keyed[]): void {
    for (const { key } of items) busy.add(key);
  }

  return {
    async run(key, work) {
      busy.add(key);
      try {
        return await work();
      } finally {
        pause(key);
      }
    },

    step(others, call) {
      const arrive = createQueue(call, others === "holds" ? resumeAll : () => undefined, resumeAll);
      return (item) => {
        const result = arrive(item);
        pause(item.key);
        return result;
      };
    },

    background: (call) =>
      createQueue(
        call,
        () => undefined,
        () => undefined,
      ),

    pause,
    resume: (key) => void busy.add(key),

    open() {
      isOpen = true;
      callIfReady();
    },
  };
}
