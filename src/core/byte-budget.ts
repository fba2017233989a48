/** Bounds the bytes, or the characters, that an isolate holds of one kind: bodies in flight, running answers. */
export interface ByteBudget {
  /** Takes `bytes` if so many are left. */
  take(bytes: number): boolean;
  release(bytes: number): void;
}

export function createByteBudget(maxBytes: number): ByteBudget {
  let taken = 0;
  return {
    take(bytes) {
      if (taken + bytes > maxBytes) return false;
      taken += bytes;
      return true;
    },
    release(bytes) {
      taken -= bytes;
    },
  };
}
