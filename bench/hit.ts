/**
 * Measures what a hit costs, in processor time of workerd: `cached()` and the reference API beside bare
 * routes that send the same body and fields, and beside other caches in such a route. STARTS and ROUNDS set
 * how often each subject starts and is measured. CHECKOUT names a folder with another commit, whose
 * reference API and `cached()` are measured in the same run. ONLY names a part of the subjects, by a regular expression.
 */
import { forkServices } from "../dev/services-process.ts";
import { prepareHit } from "./support/hit-subjects.ts";
import { save, show } from "./support/report.ts";
import { measure, type Spent } from "./support/subjects.ts";
import { median, rangeOf } from "./support/time.ts";
import { closeConnections } from "./tiers/load.ts";

const STARTS = Number(process.env["STARTS"] ?? 5);
const ROUNDS = Number(process.env["ROUNDS"] ?? 30);
const ONLY = new RegExp(process.env["ONLY"] ?? "");

const services = await forkServices();
const { all, script, fields } = await prepareHit(services, process.env["CHECKOUT"]);

const chosen = all.filter(({ name }) => ONLY.test(name));
const starts = await measure({
  script,
  variants: chosen,
  starts: STARTS,
  rounds: ROUNDS,
  requests: 1_000,
  width: 8,
  warmUp: Number(process.env["WARM_UP"] ?? 40),
});

const perStart = (at: number, of: (spent: Spent) => number | undefined): readonly number[] =>
  starts.map((start) => of(start[at]!) ?? Number.NaN);
const cpuOf = ({ cpuUs }: Spent): number | undefined => cpuUs;

const rows = chosen.map(({ name, base, goal }, at) => {
  const cpu = perStart(at, cpuOf);
  const baseAt = chosen.findIndex((each) => each.name === base);
  const ratios = baseAt < 0 ? [] : perStart(baseAt, cpuOf).map((us, start) => us / cpu[start]!);
  return {
    subject: name,
    "CPU µs per request": Math.round(median(cpu)),
    "range of CPU": rangeOf(cpu, 0),
    "requests/s": Math.round(1_000 / median(perStart(at, ({ ms }) => ms))),
    beside: base ?? "",
    ratio: ratios.length === 0 ? "" : median(ratios).toFixed(2),
    range: ratios.length === 0 ? "" : rangeOf(ratios, 2),
    goal: goal ?? "",
  };
});
show(`A hit: ${STARTS} starts, ${ROUNDS} rounds each; ratios by processor time`, rows);
save("hit", {
  starts: STARTS,
  rounds: ROUNDS,
  fields,
  rows,
});
closeConnections();
await services.close();
