import { InvalidEnvironment } from "./options.ts";
import { PortInUse } from "./ports.ts";

/**
 * Runs a program until it ends or a signal asks it to. The first Ctrl-C ends it in order, a second
 * one at once. The exit code is 1 if it failed; being asked to end is no failure.
 */
export async function runProgram(
  name: string,
  program: (signal: AbortSignal, print: (line: string) => void) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) {
        process.stderr.write(`${name}: ${signal} again, killing what is left\n`);
        // Groups and servers that still run are killed by their exit handlers.
        process.exit(1);
      }
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
