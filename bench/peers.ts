/** Runs the nine races against each library. */
import { RACES } from "./peers/battery.ts";
import { bentocache } from "./peers/bentocache.ts";
import { cacheable } from "./peers/cacheable.ts";
import { cachified } from "./peers/cachified.ts";
import { strataDurable } from "./peers/strata-durable.ts";
import { strata } from "./peers/strata.ts";
import { unkey } from "./peers/unkey.ts";
import { save, show, type Row } from "./support/report.ts";

const own = [strata, strataDurable];
const subjects = [...own, bentocache, cachified, cacheable, unkey];

const columns = await Promise.all(
  subjects.map(async (subject) => {
    const cells: string[] = [];
    for (const race of RACES) {
      const { processes, tags = false } = race;
      const deployment = await subject.create({ processes, tags });
      try {
        const verdict = await race.run(deployment);
        cells.push(
          verdict === undefined ? "no tags" : `${verdict.right ? "ok" : "WRONG"}: ${verdict.text}`,
        );
      } finally {
        await deployment.close();
      }
    }
    await subject.end?.();
    return { subject, cells };
  }),
);

const rows = RACES.map(({ name }, at): Row => ({
  race: name,
  ...Object.fromEntries(
    columns.map(({ subject, cells }) => [`${subject.name} ${subject.version}`, cells[at] ?? ""]),
  ),
}));
for (const { name, description } of RACES) console.log(`${name}: ${description}`);
show("The races", rows);
for (const { name, setup } of subjects) console.log(`${name}: ${setup}`);
save("peers", rows);
const wrong = columns
  .slice(0, own.length)
  .flatMap(({ cells }) => cells.filter((cell) => cell.startsWith("WRONG")));
process.exitCode = wrong.length === 0 ? 0 : 1;
