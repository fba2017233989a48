import type { Clock, Millis } from "../core/time.ts";

/** The alarm of an object that deletes rows whose time has come. */
export interface ObjectCleaning {
  /** Sets the alarm, unless this life of the object knows that it is set. */
  later(): Promise<void>;
  /** Deletes rows, and sets the next alarm while there are rows. The alarm of the object calls it. */
  run(): Promise<void>;
}

export interface ObjectCleaningOptions {
  readonly storage: Pick<DurableObjectStorage, "getAlarm" | "setAlarm">;
  readonly now: Clock;
  /** Deletes some rows. Returns whether there may be more whose time has come. */
  readonly clean: () => boolean;
  readonly isEmpty: () => boolean;
}

/** The alarm comes this often, while there are rows. */
const CLEAN_EVERY_MS: Millis = 300_000;
/** The next alarm comes this soon, if there are more rows than one alarm deletes. */
const NEXT_STEP_MS: Millis = 1_000;

export function createObjectCleaning(options: ObjectCleaningOptions): ObjectCleaning {
  const { storage, now, clean, isEmpty } = options;
  let hasAlarm = false;

  return {
    async later() {
      if (hasAlarm) return;
      if ((await storage.getAlarm()) === null) await storage.setAlarm(now() + CLEAN_EVERY_MS);
      hasAlarm = true;
    },
    async run() {
      // If this run fails and the platform gives up, the next request sets an alarm again.
      hasAlarm = false;
      const hasMore = clean();
      hasAlarm = hasMore || !isEmpty();
      if (hasAlarm) await storage.setAlarm(now() + (hasMore ? NEXT_STEP_MS : CLEAN_EVERY_MS));
    },
  };
}
