/** Limits of a simulated cluster. Small ones make schedules meet each of them. */
import fc from "fast-check";

export interface Limits {
  /** The changes in one answer of the log. The product has 1,000. */
  readonly page: number;
  /** The changes in the answer that a sync asks for if there were more. The product has 20,000. */
  readonly pages: number;
  /** The invalidation keys in a log view. The product has 20,000. */
  readonly numbers: number;
  /** The log keys that a trimming keeps. The product has 100,000. */
  readonly logKeys: number;
  /** The bytes of all results that one flight object keeps. */
  readonly keptBytes: number;
  /** The characters of an entry that a leader hands over. */
  readonly landingChars: number;
  /** The loads of one isolate that may call the origin at a time. */
  readonly slots: number;
}

export const WIDE: Limits = {
  page: 1_000,
  pages: 20_000,
  numbers: 20_000,
  logKeys: 100_000,
  keptBytes: 2 ** 20,
  landingChars: 2 ** 20,
  slots: 64,
};

/** The results that a flight object can keep: none, one, or all. */
const keptBytes = fc.constantFrom(0, 600, WIDE.keptBytes);

const small: fc.Arbitrary<Limits> = fc
  .record({
    page: fc.constantFrom(2, 5, 12),
    numbers: fc.constantFrom(3, 8, 24),
    logKeys: fc.constantFrom(2, 8, 24),
    keptBytes,
    landingChars: fc.constantFrom(100, WIDE.landingChars),
    slots: fc.constantFrom(1, 2, WIDE.slots),
    more: fc.constantFrom(1, 4),
  })
  .map(({ page, more, ...rest }) => ({ page, pages: page * more, ...rest }));

/** Limits for schedules with failures. */
export const limitsArbitrary: fc.Arbitrary<Limits> = fc.oneof(
  { weight: 3, arbitrary: small },
  { weight: 1, arbitrary: fc.constant(WIDE) },
);

/**
 * Limits for schedules without failures. With them, every load can still be shared, and ends before its
 * followers load themselves: three quarters of `originTimeout`, the wait for a slot included.
 */
export const calmLimits: fc.Arbitrary<Limits> = limitsArbitrary.map((limits) => ({
  ...limits,
  landingChars: WIDE.landingChars,
  slots: WIDE.slots,
}));
