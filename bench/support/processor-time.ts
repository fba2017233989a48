/**
 * Reads the processor time of workerd on Linux. It does not depend on other programs on the
 * machine.
 */
import { readdirSync, readFileSync } from "node:fs";

/** Microseconds in one tick: Linux counts processor time in 10 ms. */
const TICK_US = 10_000;

/** Returns the workerd processes that this process started, or none if there is no /proc. */
export function runtimes(): readonly number[] {
  return processIds().filter((pid) => {
    const stat = statOf(pid);
    return stat?.program === "workerd" && stat.parent === process.pid;
  });
}

/** Returns all processes of the machine, or none if there is no /proc. */
export function processIds(): readonly number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/**
 * Returns the processor time that a process has used so far, in microseconds, or undefined if the
 * system does not report it.
 */
export function processorTime(pid: number | undefined): number | undefined {
  const ticks = pid === undefined ? undefined : statOf(pid)?.ticks;
  return ticks === undefined ? undefined : ticks * TICK_US;
}

/** Returns the program, the parent and the ticks of a process, or undefined if it has ended. */
export function statOf(pid: number) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const program = text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"));
    return { program, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return undefined;
  }
}
