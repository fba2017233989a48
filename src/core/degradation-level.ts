/** The levels of service, and the dependencies that they follow from. */

/**
 * - `normal`: all dependencies work.
 * - `degraded`: a cache tier or the flight objects fail, or a dependency is slow. Every request gets an answer.
 * - `minimal`: the origin fails. Reads get what is stored, and writes are refused before they begin.
 */
export type DegradationLevel = "normal" | "degraded" | "minimal";

export const LEVELS: readonly DegradationLevel[] = ["normal", "degraded", "minimal"];

/** The dependencies that levels follow from. */
export type WatchedDependency = "origin" | "redis" | "flight" | "limit";
