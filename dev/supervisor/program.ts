import { InvalidEnvironment } from "./options.ts";
import { PortInUse } from "./ports.ts";

const REPEAT_MS = 1_000;

/** How often it looks whether the npm that started it is still there. */
const PARENT_MS = 500;

/**
 * Runs a program until it ends or a signal asks it to. The first Ctrl-C ends it in order, a second
 * one at once. The exit code is 1 if it failed; being asked to end is no failure.
 */
export async function runProgram(
  name: string,
  program: (signal: AbortSignal, print: (line: string) => void) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  let askedAt = 0;
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  onOrphaned(() => {
    print(`${name}: npm is gone, ending everything`);
    controller.abort(new Error("orphaned"));
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) {
        // One Ctrl-C can arrive twice: from the terminal, and from npm that hands it on.
        if (performance.now() - askedAt < REPEAT_MS) return;
        process.stderr.write(`${name}: ${signal} again, killing what is left\n`);
        // Groups and servers that still run are killed by their exit handlers.
        process.exit(1);
      }
      askedAt = performance.now();
      print(`${name}: ${signal}, ending everything`);
      controller.abort(new Error(signal));
    });
  }
  try {
    await program(controller.signal, print);
    print(`${name}: ended`);
    process.exit(0);
  } catch (error) {
    const expected = error instanceof InvalidEnvironment || error instanceof PortInUse;
    const text =
      error instanceof Error
        ? expected
          ? error.message
          : (error.stack ?? error.message)
        : String(error);
    process.stderr.write(
      `${name} failed: ${text}\n${name}: everything that was started has been ended\n`,
    );
    process.exit(1);
  }
}

/** A killed npm tells nobody: without this, a harness that kills what it started would leave everything behind. */
function onOrphaned(end: () => void): void {
  if (process.env["npm_lifecycle_event"] === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    end();
  }, PARENT_MS);
  watch.unref();
}
