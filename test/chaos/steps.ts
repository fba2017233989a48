export type Step = () => Promise<unknown>;

/** Runs all steps one after the other, although some fail. Then throws the first error, and prints the others. */
export async function runAll(steps: readonly Step[]): Promise<void> {
  const errors: unknown[] = [];
  for (const step of steps)
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  for (const error of errors.slice(1)) console.error(error);
  if (errors.length > 0) throw errors[0];
}

/** The steps that undo a start. The start adds one for each part that runs. */
export interface Stops {
  add(step: Step): void;
  /** Runs the steps, the newest first, and forgets them. */
  stop(): Promise<void>;
}

/** Starts something of several parts. If that fails, the parts that have started are stopped. */
export async function startOrStop<T>(start: (stops: Stops) => Promise<T>): Promise<T> {
  const steps: Step[] = [];
  const stops: Stops = {
    add: (step) => void steps.push(step),
    stop: () => runAll(steps.splice(0).toReversed()),
  };
  try {
    return await start(stops);
  } catch (error) {
    await stops.stop().catch(console.error);
    throw error;
  }
}

/** Runs `work`, and then all steps of `restore`, also if `work` fails. Its error goes before theirs. */
export async function runAndRestore<T>(
  work: () => Promise<T>,
  restore: readonly Step[],
): Promise<T> {
  const working = work();
  await runAll([() => working, ...restore]);
  return working;
}
