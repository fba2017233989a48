/** Validates entries with the log view, and asks the log if the view cannot decide. */
import type { Entry } from "../core/entry.ts";
import type { Coherence, LogState } from "./coherence.ts";
import type { Read } from "./lookup-request.ts";
import {
  answersWithoutLoad,
  dependsOnLog,
  validate,
  type EarlierResult,
  type Validation,
} from "./validation.ts";

/** A validation after the log was asked, if it could be. */
export type Decided = Exclude<Validation, { readonly use: "verify" }>;

export interface Validator {
  /**
   * Decides by the log view, after a sync if the view is too old for the read. Asks the log at most
   * once if the view cannot decide. `result` is set for the result of another lookup or of a flight.
   */
  decide(entry: Entry, read: Read, result?: EarlierResult): Promise<Decided>;
  /**
   * Brings the log view up to date for this read if the view is too old. The read does not wait if
   * the last syncs had no answer and the entry may be served without the log. In this case a sync
   * runs in the background.
   */
  logStateFor(entry: Entry, read: Read): Promise<LogState>;
}

export function createValidator(coherence: Coherence): Validator {
  const byView = (
    entry: Entry,
    logState: LogState,
    read: Read,
    result?: EarlierResult,
  ): Validation => {
    const verdict = coherence.verdictOf(entry);
    return validate(entry, verdict, logState, coherence.currentAt(), read, read.ctx.now(), result);
  };

  async function logStateFor(entry: Entry, read: Read): Promise<LogState> {
    const { policy, startedAt, ctx } = read;
    if (coherence.isCurrent(startedAt, policy.coherenceMs, ctx)) return "current";
    const alone = byView(entry, "unreachable", read);
    const isServableAlone = alone.use === "serve" && answersWithoutLoad(alone.freshness);
    if (!coherence.isAway(ctx.now()) || !isServableAlone)
      return coherence.ensureCurrent(startedAt, policy.coherenceMs, ctx);
    coherence.probe(ctx);
    return "unreachable";
  }

  async function verify(entry: Entry, read: Read, result?: EarlierResult): Promise<Decided> {
    const { ctx } = read;
    const verified = await coherence.verify(entry, ctx);
    if (verified === "invalid") return { use: "drop", reason: "unverified" };
    if (verified === "unreachable") return decided(byView(entry, "unreachable", read, result));
    const [copy, answer] =
      verified === "unconfirmed" ? [entry, verified] : ([verified, "valid"] as const);
    const verdict = coherence.verdictOf(copy, answer);
    const confirmedAt = coherence.currentAt();
    return decided(validate(copy, verdict, "current", confirmedAt, read, ctx.now(), result));
  }

  return {
    logStateFor,

    async decide(entry, read, result) {
      if (!dependsOnLog(result, read)) return decided(byView(entry, "unreachable", read, result));
      // One request to Redis returns the log and the numbers of the entry's invalidation keys. The
      // reads of a new isolate share one sync first, which may decide for all of them.
      const isUnknown = entry.era !== "" && coherence.verdictOf(entry) === "unknown";
      if (isUnknown && coherence.hasLog()) return verify(entry, read, result);
      const validation = byView(entry, await logStateFor(entry, read), read, result);
      return validation.use === "verify" ? verify(entry, read, result) : validation;
    },
  };
}

/** The log has been asked, so that it is not asked again: an entry that needs it is not used. */
function decided(validation: Validation): Decided {
  return validation.use === "verify" ? { use: "drop", reason: "unverified" } : validation;
}
