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

/** Runs `work`, and then all steps of `restore`, also if `work` fails. Its error goes before theirs. */
export async function runAndRestore<T>(
  work: () => Promise<T>,
  restore: readonly Step[],
): Promise<T> {
  const working = work();
  await runAll([() => working, ...restore]);
  return working;
}
