import { runtimeOf, signalAll } from "../../e2e/support/processes.ts";
import { between, isGood, secondsUntilGood, share } from "../figures.ts";
import type { DevProduct, Stage } from "../stage.ts";
import { runAndRestore } from "../steps.ts";
import type { Figure, Trial } from "../trial.ts";

const KILL_MS = 2_000;
/** wrangler restarts a runtime, or `npm run dev` the whole instance, which takes about 10 s. */
const BACK_S = 30;

/**
 * The runtime of one instance dies. The other does not notice, and the dead one comes back by itself. The instances are
 * those of `npm run dev`, which brings them back.
 */
export const trial: Trial = {
  about: "the second instance of `npm run dev` is killed under warm and cold reads of both",
  async run(stage) {
    const dev = await stage.startDev();
    return runAndRestore(() => measure(stage, dev), [() => dev.product.stop()]);
  },
};

async function measure(
  { drive, warm, rate }: Stage,
  { product, shop }: DevProduct,
): Promise<readonly Figure[]> {
  const hot = await warm(40, shop);
  const { visits } = await drive({
    forMs: KILL_MS + BACK_S * 1_000,
    happenings: [{ atMs: KILL_MS, act: async () => killRuntime(product.port + 1) }],
    streams: [0, 1].flatMap((instance) => [
      {
        name: `warm ${instance}`,
        perSecond: rate(40),
        errand: (n: number) => shop.product(instance, hot[n % hot.length] ?? 0),
      },
      {
        name: `cold ${instance}`,
        perSecond: rate(5),
        errand: () => shop.product(instance, shop.take(1)[0] ?? 0),
      },
    ]),
  });
  const of = (instance: number) =>
    between(visits, KILL_MS, Infinity, [`warm ${instance}`, `cold ${instance}`]);
  return [
    {
      name: "good reads of the other instance",
      value: share(of(0), isGood),
      unit: "%",
      goal: { least: 99.5 },
    },
    {
      name: "until the killed instance answers again",
      value: secondsUntilGood(of(1), KILL_MS),
      unit: "s",
      goal: { most: 25 },
    },
  ];
}

function killRuntime(port: number): void {
  const runtime = runtimeOf(port);
  if (runtime.length === 0) throw new Error(`the instance on port ${port} has no process`);
  signalAll(runtime, "SIGKILL");
}
