import { InvalidEnvironment } from "./options.ts";
import { PortInUse } from "./ports.ts";

const REPEAT_MS = 1_000;

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
