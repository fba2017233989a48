/** A point at which a test holds work back until it opens the gate. */
export interface Gate {
  /** Resolves when work waits at the gate. */
  readonly reached: Promise<void>;
  /** Called by the work: waits until the gate is open. */
  pass(): Promise<void>;
  open(): void;
}

export function createGate(): Gate {
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  return {
    reached: reached.promise,
    pass() {
      reached.resolve();
      return opened.promise;
    },
    open: () => opened.resolve(),
  };
}
