import type { Context } from "./context.ts";
import type { Millis } from "./time.ts";

/** An answer that is stored under an idempotency key. */
export interface StoredAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Undefined if the body was too large to store. */
  readonly body: Uint8Array | undefined;
}

/** The result of the claim of a key by a request. */
export type Claim =
  /** No request with this key has been answered. This one may run. `token` names it. */
  | { readonly state: "new"; readonly token: string }
  /** Another request with this key runs. */
  | { readonly state: "in-progress" }
  /** A request with this key and another body has come before. */
  | { readonly state: "other-body" }
  /** A request with this key made its change, and its answer is not known. */
  | { readonly state: "answer-lost" }
  | { readonly state: "answered"; readonly answer: StoredAnswer };

/** The request that a claim is about. */
export interface KeyedRequest {
  /** The digest of the caller, the route and the key. */
  readonly id: string;
  /** The digest of the body. */
  readonly fingerprint: string;
}

/** The store of idempotency keys. Each call may throw the store's error. */
export interface IdempotencyStore {
  /** Claims the key for this request, for `ms` milliseconds at most. */
  claim(request: KeyedRequest, ms: Millis): Promise<Claim>;
  /** Stores the answer of the request that holds the claim. */
  answer(request: KeyedRequest, token: string, answer: StoredAnswer): Promise<void>;
  /** Gives the claim back, so that a repetition runs. */
  release(request: KeyedRequest, token: string): Promise<void>;
}

/**
 * The keys of requests whose change is not made yet. The middleware puts the key in, and the writer
 * takes it out with the first change, which it commits together with the key.
 */
export interface KeysOfRequests {
  set(ctx: Context, id: string): void;
  take(ctx: Context): string | undefined;
}

/** Creates the keys of the running requests. */
export function createKeysOfRequests(): KeysOfRequests {
  const ids = new WeakMap<Context, string>();
  return {
    set: (ctx, id) => void ids.set(ctx, id),
    take(ctx) {
      const id = ids.get(ctx);
      ids.delete(ctx);
      return id;
    },
  };
}

/** The error of a write whose idempotency key belongs to a change that is committed already. */
export class AlreadyWritten extends Error {
  constructor() {
    super("a request with the same idempotency key has made its change already");
    this.name = "AlreadyWritten";
  }
}
