/** Processor time of workerd, where the system tells it (Linux): free of what else runs on the machine. */
import { readdirSync, readFileSync } from "node:fs";

/** Hundredths of a second: what Linux counts processor time in. */
const TICK_US = 10_000;

/** The workerd processes that this one has started; none where there is no /proc. */
export function runtimes(): readonly number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        const stat = statOf(pid);
        return stat?.program === "workerd" && stat.parent === process.pid;
      });
  } catch {
    return [];
  }
}

/** Microseconds of processor time that a process has used so far; undefined if nobody tells. */
export function processorTime(pid: number | undefined): number | undefined {
  const ticks = pid === undefined ? undefined : statOf(pid)?.ticks;
  return ticks === undefined ? undefined : ticks * TICK_US;
}

function statOf(pid: number) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const program = text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"));
    return { program, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return undefined;
  }
}
