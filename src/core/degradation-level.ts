/** The levels of service. */

/**
 * - `normal`: all dependencies work.
 * - `degraded`: a cache tier or the flight objects fail, or a dependency is slow. Every request gets an answer.
 * - `minimal`: the origin fails. Reads get what is stored, and writes are refused before they begin.
 */
export type DegradationLevel = "normal" | "degraded" | "minimal";

export const LEVELS: readonly DegradationLevel[] = ["normal", "degraded", "minimal"];
