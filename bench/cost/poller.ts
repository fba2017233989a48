import type { SharedDesign } from "./shared-design.ts";
import type { Knowledge, World } from "./world.ts";

/** Gets a poll, and its age in milliseconds when the question arrived. The age of a later poll is negative. */
type Receive = (poll: Knowledge, ageMs: number) => void;

/** The object of one region. It asks Redis only while a question waits. */
export interface Poller {
  ask(receive: Receive): void;
}

export function createPoller(world: World, place: number, design: SharedDesign): Poller {
  const { timeline } = world;
  let last: Knowledge = { stamp: Number.NEGATIVE_INFINITY, upTo: 0 };
  let sentAt = Number.NEGATIVE_INFINITY;
  let isPolling = false;
  let waiting: { readonly arrivedAt: number; readonly receive: Receive }[] = [];

  function poll(): void {
    sentAt = timeline.now();
    let isOpen = true;
    const askRedis = (): void => {
      if (!isOpen) return;
      world.askRedis(place, last, (answer) => {
        if (!isOpen) return;
        isOpen = false;
        last = answer;
        isPolling = false;
        const answered = waiting;
        waiting = [];
        for (const { arrivedAt, receive } of answered) receive(answer, arrivedAt - answer.stamp);
      });
    };
    askRedis();
    if (design.repeatPollMs < Infinity) timeline.at(sentAt + design.repeatPollMs, askRedis);
  }

  return {
    ask(receive) {
      const arrivedAt = timeline.now();
      if (arrivedAt - last.stamp <= design.recentMs) {
        receive(last, arrivedAt - last.stamp);
        return;
      }
      waiting.push({ arrivedAt, receive });
      if (isPolling) return;
      isPolling = true;
      timeline.at(sentAt + design.tickMs, poll);
    },
  };
}
