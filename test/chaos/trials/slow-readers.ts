import { isGood, percentile, share, times } from "../figures.ts";
import type { Trial } from "../trial.ts";

const BLOCK = "0123456789abcdef".repeat(4_096);
/** 1 MiB, more than the buffers between the Worker and a client hold. */
const BLOCKS = 16;
const SLOW_BYTES = 30_000;

/** Clients that read a large body slowly take nothing from the others. */
export const trial: Trial = {
  about:
    "clients read a body of 1 MiB at 30 kB/s, beside warm reads and quick reads of the same body",
  async run({ shop, origin, drive, warm, seconds, rate }) {
    const hot = await warm(40);
    const path = `/origin${origin.script({
      headers: [["Cache-Control", "max-age=3600"]],
      body: BLOCK,
      times: BLOCKS,
    })}`;
    const forMs = seconds(15);
    const large = (n: number) => ({
      ...shop.get(n % 2, path),
      isRight: ({ status, body }: { status: number; body: string }) =>
        status === 200 && body.length === BLOCK.length * BLOCKS,
    });
    const { visits } = await drive({
      forMs,
      streams: [
        {
          name: "slow",
          perSecond: rate(4),
          behaviour: { bytesPerSecond: SLOW_BYTES, leavesAfterMs: forMs },
          errand: large,
        },
        { name: "large", perSecond: rate(2), errand: large },
        {
          name: "warm",
          perSecond: rate(80),
          errand: (n) => shop.product(n % 2, hot[n % hot.length] ?? 0),
        },
      ],
    });
    const of = (name: string) => visits.filter(({ stream }) => stream === name);
    return [
      {
        name: "good warm reads",
        value: share(of("warm"), isGood),
        unit: "%",
        goal: { least: 99.9 },
      },
      {
        name: "p99 of warm reads",
        value: percentile(times(of("warm")), 0.99),
        unit: "ms",
        goal: { most: 100 },
      },
      {
        name: "good quick reads of the body",
        value: share(of("large"), isGood),
        unit: "%",
        goal: { least: 99 },
      },
      {
        name: "slow readers that got an error",
        value: share(of("slow"), ({ outcome }) => outcome === "error"),
        unit: "%",
        goal: { most: 0 },
      },
    ];
  },
};
