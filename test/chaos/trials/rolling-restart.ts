import { rmSync } from "node:fs";
import { join } from "node:path";
import { copySecondVersion } from "../second-version.ts";
import { isGood, percentile, share, times } from "../figures.ts";
import { runAndRestore } from "../steps.ts";
import type { Figure, Trial } from "../trial.ts";
import { createVersions } from "../versions.ts";
import type { Behaviour, Errand } from "../visit.ts";

const FIRST_MS = 3_000;
const SECOND_MS = 13_000;
const FOR_MS = 25_000;
const BOUND_MS = 1_000 + 500;

/** The port of an instance refuses connections for a second while it restarts. */
const RECONNECTING: Behaviour = { retries: 5 };

/** Two versions of the Worker share one Redis. Neither serves what it may not. */
export const trial: Trial = {
  about: "both instances restart one after the other, as a version with another schema and policy",
  async run({ root, product, shop, drive, warm, rate }) {
    const folder = join(root, ".strata", `versions-${process.pid}`);
    const measure = async (): Promise<readonly Figure[]> => {
      const second = product.bundle(copySecondVersion(root, folder));
      const versions = createVersions(shop, await warm(40));
      const answers: Seen[] = [];
      const { visits } = await drive({
        forMs: FOR_MS,
        happenings: [
          { atMs: FIRST_MS, act: () => product.restart(0, second) },
          { atMs: SECOND_MS, act: () => product.restart(1, second) },
        ],
        streams: [
          {
            name: "read",
            perSecond: rate(80),
            behaviour: RECONNECTING,
            errand: (n) => watched(versions.read(n % 2, versions.ids[n % 40] ?? 0), n % 2, answers),
          },
          {
            name: "cold",
            perSecond: rate(5),
            behaviour: RECONNECTING,
            errand: (n) => watched(shop.product(n % 2, shop.take(1)[0] ?? 0), n % 2, answers),
          },
          { name: "write", perSecond: 2, errand: (n) => versions.write(n % 2, n) },
        ],
      });
      const reads = visits.filter(({ stream }) => stream !== "write");
      return [
        { name: "good reads", value: share(reads, isGood), unit: "%", goal: { least: 99 } },
        {
          name: "answers to reads with another status than 200",
          value: answers.filter(({ status }) => status !== 200).length,
          unit: "answers",
          goal: { most: 0 },
        },
        { name: "p99 of reads", value: percentile(times(reads), 0.99), unit: "ms" },
        {
          name: "instances that answer as the second version",
          value: [0, 1].filter((instance) => switchedAt(answers, instance) < Infinity).length,
          unit: "instances",
          goal: { least: 2 },
        },
        {
          name: "answers of the second version without its field",
          value: answers.filter(
            ({ instance, at, status, isSecond }) =>
              status === 200 && !isSecond && at > switchedAt(answers, instance),
          ).length,
          unit: "answers",
          goal: { most: 0 },
        },
        {
          name: "unmarked answers older than an acknowledged write and 1.5 s",
          value: versions.verdict(BOUND_MS).violations.length,
          unit: "reads",
          goal: { most: 0 },
        },
      ];
    };
    return runAndRestore(measure, [
      async () => rmSync(folder, { recursive: true, force: true }),
      () => product.restart(0),
      () => product.restart(1),
    ]);
  },
};

interface Seen {
  readonly instance: number;
  /** When the read began. */
  readonly at: number;
  readonly endedAt: number;
  readonly status: number;
  readonly isSecond: boolean;
}

function watched(errand: Errand, instance: number, seen: Seen[]): Errand {
  return {
    ...errand,
    onAnswer(answer) {
      errand.onAnswer?.(answer);
      const { startedAt: at, endedAt, status, body } = answer;
      seen.push({ instance, at, endedAt, status, isSecond: body.includes('"currency"') });
    },
  };
}

/** Returns when an instance first answered as the second version. */
function switchedAt(seen: readonly Seen[], instance: number): number {
  return Math.min(
    Infinity,
    ...seen
      .filter((each) => each.instance === instance && each.isSecond)
      .map(({ endedAt }) => endedAt),
  );
}
