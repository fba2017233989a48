/** Ends a gate. Prints its problems and fails, or prints a summary. */
export function finish(gate: string, problems: readonly string[], summary: string): void {
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) {
    console.error(`${gate}: ${problems.length} problem${problems.length === 1 ? "" : "s"}`);
    process.exitCode = 1;
  } else console.log(`${gate}: ${summary}`);
}
