/** The operations that every cache library must offer, in the terms of the races. */

export interface ReadOptions {
  readonly ttlMs: number;
  readonly tags?: readonly string[];
}

/** One process (or isolate) that uses the cache, with its own memory. */
export interface Process {
  /**
   * Returns the value, or undefined if there is none. If the load fails, it rejects as the library
   * does.
   */
  read(
    key: string,
    options: ReadOptions,
    load: () => Promise<string | undefined>,
  ): Promise<string | undefined>;
  delete(key: string): Promise<unknown>;
  /** Undefined if the library has no tags. */
  readonly deleteByTag: ((tag: string) => Promise<unknown>) | undefined;
}

/** A library, configured as its own documentation advises for several processes. */
export interface Subject {
  readonly name: string;
  readonly version: string;
  /** A short description of the configuration. */
  readonly setup: string;
  /** Creates processes that share one second level, which is empty at first. */
  create(options: DeploymentOptions): Promise<Deployment>;
  /** Stops the parts that its deployments shared. */
  end?(): Promise<void>;
}

export interface DeploymentOptions {
  readonly processes: number;
  /** True if the race uses tags. Some libraries pay for tags only then. */
  readonly tags: boolean;
}

export interface Deployment {
  readonly processes: readonly Process[];
  /** The second level that the processes share, or the network to it. */
  readonly shared: SharedLevel;
  close(): Promise<void>;
}

export interface SharedLevel {
  /** Number of reads so far. */
  reads(): number;
  /**
   * Holds back the answer of the next read, after the value has been read and before it arrives.
   */
  holdNextRead(): { readonly reached: Promise<void>; release(): void };
}
