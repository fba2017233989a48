/** Starts the subjects of a bench that compares hits with bare routes of the same fields. */
import { ask, closedLoop } from "../tiers/load.ts";
import { startDataCentre, type DataCentre } from "../tiers/runtime.ts";
import { API_TENTH, CACHED, FEW, MANY, type HitSubject, type HitSubjects } from "./hit-subjects.ts";

export interface StartedHit {
  readonly name: string;
  readonly url: string;
  readonly centre: DataCentre;
  /** Sends so many requests, 8 at a time, each from the next client. */
  send(count: number): Promise<void>;
}

/** Returns each of the two bare routes, and the hit with its fields. */
export function pairsOf({ all }: HitSubjects): readonly HitSubject[] {
  return [FEW, CACHED, MANY, API_TENTH].map((name) => all.find((each) => each.name === name)!);
}

/** Starts a subject and sends `warmUp` requests, until the code is compiled. @throws if its answers are no hits then. */
export async function startHit(
  { name, path, bindings, without, script }: HitSubject,
  { script: common }: HitSubjects,
  options: { readonly namespace: string; readonly warmUp: number; readonly inspected: boolean },
): Promise<StartedHit> {
  const centre = await startDataCentre(script ?? common, {
    isolates: 1,
    inspected: options.inspected,
    bindings: { ...bindings, STRATA_NAMESPACE: options.namespace },
    objects: true,
    ...(without !== undefined && { without }),
  });
  const url = `${centre.urls[0]}${String(path)}`;
  let client = 0;
  async function send(count: number): Promise<void> {
    await closedLoop(count, 8, async () => {
      const { status } = await ask(url, client++);
      if (status !== 200) throw new Error(`${name}: status ${status}`);
    });
  }
  await send(options.warmUp);
  // The bare routes send the field of the hit that they are compared with.
  const { headers } = await ask(url, client++);
  if (headers["x-cache-status"] !== "HIT") throw new Error(`${name}: no hit`);
  return { name, url, centre, send };
}
