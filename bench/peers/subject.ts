/** What every cache library is asked to do, whatever it calls it. */

export interface ReadOptions {
  readonly ttlMs: number;
  readonly tags?: readonly string[];
}

/** One process (or isolate) that uses the cache, with what it keeps in its own memory. */
export interface Process {
  /** The value; undefined if there is none. Rejects as the library does when the load fails. */
  read(
    key: string,
    options: ReadOptions,
    load: () => Promise<string | undefined>,
  ): Promise<string | undefined>;
  delete(key: string): Promise<unknown>;
  /** Undefined where the library has no tags. */
  readonly deleteByTag: ((tag: string) => Promise<unknown>) | undefined;
}

/** A library, configured as its own documentation advises for several processes. */
export interface Subject {
  readonly name: string;
  readonly version: string;
  /** How it is configured, in a few words. */
  readonly setup: string;
  /** Processes that share one second level, empty at first. */
  create(options: DeploymentOptions): Promise<Deployment>;
  /** Ends what all its deployments shared. */
  end?(): Promise<void>;
}

export interface DeploymentOptions {
  readonly processes: number;
  /** Whether tags will be used, for those whom tags cost something. */
  readonly tags: boolean;
}

export interface Deployment {
  readonly processes: readonly Process[];
  /** The second level that they share, or the network to it. */
  readonly shared: SharedLevel;
  close(): Promise<void>;
}

export interface SharedLevel {
  /** Reads so far. */
  reads(): number;
  /** Holds back the answer of the next read: it has been read, and has not arrived. */
  holdNextRead(): { readonly reached: Promise<void>; release(): void };
}
