import { InvalidEnvironment } from "./options.ts";
import { PortInUse } from "./ports.ts";

const REPEAT_MS = 1_000;

/** Milliseconds between two checks that the npm process that started this program still runs. */
const PARENT_MS = 500;

/**
 * Runs a program until it ends or a signal arrives. The first Ctrl-C stops it in order, a second
 * one at once. The exit code is 1 if it failed, and 0 after a signal.
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
        // One Ctrl-C can arrive twice: from the terminal, and from npm, which passes it on.
        if (performance.now() - askedAt < REPEAT_MS) return;
        process.stderr.write(`${name}: ${signal} again, killing what is left\n`);
        // The exit handlers kill the groups and servers that still run.
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

/**
 * Calls `end` when npm is gone. npm sends no signal when it is killed, so that all processes would
 * keep running.
 */
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
