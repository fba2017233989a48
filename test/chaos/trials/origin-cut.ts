import type { ScriptedResponse } from "../../e2e/support/scripted-origin.ts";
import { isGood, share } from "../figures.ts";
import type { Trial } from "../trial.ts";

const FRESH = ["Cache-Control", "max-age=3600"] as const;
const BODY = "The whole body of a response. ".repeat(200);
const HALF = BODY.length / 2;
/** A resource is read again when this many others have been asked for since. */
const LATER = 10;

/** Half a response is an error for its reader, and is never stored. */
export const trial: Trial = {
  about:
    "the origin of the proxy cuts each first response half-way, with and without Content-Length",
  async run({ shop, origin, drive, seconds, rate }) {
    let wrong = 0;
    const paths: string[] = [];
    const read = (path: string) => ({
      ...shop.get(0, `/origin${path}`),
      isRight: ({ status, body }: { status: number; body: string }) =>
        status === 200 && body === BODY,
      onAnswer({ status, body }: { status: number; body: string }) {
        if (status === 200 && body !== BODY) wrong += 1;
      },
    });
    const { visits } = await drive({
      forMs: seconds(12),
      streams: [
        {
          name: "first",
          perSecond: rate(30),
          errand(n) {
            const path = origin.script(cut(n % 2 === 0), whole);
            paths.push(path);
            return read(path);
          },
        },
        {
          name: "again",
          perSecond: rate(30),
          errand: () => read(paths[paths.length - 1 - LATER] ?? origin.script(whole)),
        },
      ],
    });
    const again = visits.filter(({ stream }) => stream === "again");
    return [
      {
        name: "half responses that were passed on as whole",
        value: wrong,
        unit: "responses",
        goal: { most: 0 },
      },
      {
        name: "good reads of the first responses",
        value: share(
          visits.filter(({ stream }) => stream === "first"),
          isGood,
        ),
        unit: "%",
      },
      {
        name: "good reads afterwards",
        value: share(again, isGood),
        unit: "%",
        goal: { least: 99 },
      },
    ];
  },
};

const whole: ScriptedResponse = { headers: [FRESH], body: BODY };

function cut(announced: boolean): ScriptedResponse {
  const length = ["Content-Length", String(BODY.length)] as const;
  return { headers: announced ? [FRESH, length] : [FRESH], body: BODY, breakAfter: HALF };
}
