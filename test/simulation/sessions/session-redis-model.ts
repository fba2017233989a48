/**
 * A model of the part of Redis that stores sessions: strings and sorted sets with an expiry, and what the scripts
 * of src/redis/session-scripts.ts do to them. model.test.ts compares it with the scripts.
 */
import { CREATE, LIST, REVOKE, REVOKE_ALL, ROTATE } from "../../../src/redis/session-scripts.ts";

interface Text {
  readonly value: string;
  readonly until: number;
}

interface Index {
  readonly scores: ReadonlyMap<string, number>;
  readonly until: number;
}

/** Everything that the model stores. Its values are never changed in place. */
export interface SessionData {
  readonly texts: ReadonlyMap<string, Text>;
  readonly indexes: ReadonlyMap<string, Index>;
}

export type Script = (keys: readonly string[], args: readonly string[]) => unknown;

export interface SessionRedisModel {
  getex(key: string, px?: number): string | null;
  /** Runs the script with this body. */
  run(body: string, keys: readonly string[], args: readonly string[]): unknown;
  save(): SessionData;
  /** Replaces everything by what `save` returned. */
  load(data: SessionData): void;
  /** The number of keys that have not expired. */
  size(): number;
}

/** Creates an empty Redis. Its clock shows whole milliseconds. */
export function createSessionRedisModel(clock: () => number): SessionRedisModel {
  const now = () => Math.floor(clock());
  let texts = new Map<string, Text>();
  let indexes = new Map<string, Index>();

  function get(key: string): string | undefined {
    const text = texts.get(key);
    return text !== undefined && text.until > now() ? text.value : undefined;
  }

  function del(key: string): number {
    const had = get(key) !== undefined;
    texts.delete(key);
    return Number(had);
  }

  function scoresOf(key: string): Map<string, number> {
    const index = indexes.get(key);
    return new Map(index !== undefined && index.until > now() ? index.scores : []);
  }

  function setScores(key: string, scores: ReadonlyMap<string, number>): void {
    if (scores.size === 0) indexes.delete(key);
    else indexes.set(key, { scores, until: Math.max(...scores.values()) });
  }

  /** Removes places whose session has ended, without a change of the expiry of the index. */
  function unlist(key: string, hash: string): void {
    const index = indexes.get(key);
    if (index === undefined) return;
    const scores = new Map(index.scores);
    scores.delete(hash);
    if (scores.size === 0) indexes.delete(key);
    else indexes.set(key, { scores, until: index.until });
  }

  const oldestFirst = (scores: ReadonlyMap<string, number>): string[] =>
    [...scores].toSorted((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1)).map(([hash]) => hash);

  const userOf = (key: string): string | undefined => get(key)?.split(" ")[3];

  const scripts: Readonly<Record<string, Script>> = {
    [CREATE](keys, args) {
      const [session = "", index = "", last = ""] = keys;
      const [hash = "", user = "", idle, longest, most, sessions, list, replaced, counts, name] =
        args;
      if (counts === "1" && (get(last) ?? "") !== name) return ["", "", 0];
      if (replaced !== "") {
        const owner = userOf(`${sessions}${replaced}`);
        del(`${sessions}${replaced}`);
        if (owner !== undefined) unlist(`${list}${owner}`, replaced ?? "");
      }
      const at = now();
      const scores = scoresOf(index);
      for (const [other, score] of scores) if (score <= at) scores.delete(other);
      if (scores.size >= Number(most)) {
        const alive = oldestFirst(scores).filter((other) => {
          const lives = get(`${sessions}${other}`) !== undefined;
          if (!lives) scores.delete(other);
          return lives;
        });
        for (const other of alive.slice(0, Math.max(0, alive.length - Number(most) + 1))) {
          del(`${sessions}${other}`);
          scores.delete(other);
        }
      }
      const ends = at + Number(longest);
      scores.set(hash, ends + Number(idle));
      setScores(index, scores);
      texts.set(session, { value: `${hash} ${at} ${ends} ${user}`, until: at + Number(idle) });
      return [String(at), String(ends), 0];
    },

    [ROTATE]([from = "", to = "", index = ""], [before = "", hash = "", value = "", user, idle]) {
      if (userOf(from) !== user) return 0;
      del(from);
      const scores = scoresOf(index);
      const score = scores.get(before);
      if (score === undefined) return 0;
      scores.delete(before);
      scores.set(hash, score);
      setScores(index, scores);
      texts.set(to, { value, until: now() + Number(idle) });
      return 1;
    },

    [LIST]([index = ""], [sessions]) {
      const out: (string | number)[] = [String(now())];
      for (const hash of oldestFirst(scoresOf(index))) {
        const key = `${sessions}${hash}`;
        const value = get(key);
        if (value === undefined) unlist(index, hash);
        else out.push(value, (texts.get(key)?.until ?? 0) - now());
      }
      return out;
    },

    [REVOKE]([session = "", index = ""], [hash = "", user]) {
      if (userOf(session) !== user) return 0;
      del(session);
      unlist(index, hash);
      return 1;
    },

    [REVOKE_ALL]([index = "", last = ""], [sessions, name = "", keepMs]) {
      texts.set(last, { value: name, until: now() + Number(keepMs) });
      let ended = 0;
      for (const hash of scoresOf(index).keys()) ended += del(`${sessions}${hash}`);
      indexes.delete(index);
      return ended;
    },
  };

  return {
    getex(key, px) {
      const value = get(key);
      if (value === undefined) return null;
      if (px !== undefined) texts.set(key, { value, until: now() + px });
      return value;
    },
    run(body, keys, args) {
      const script = scripts[body];
      if (script === undefined) throw new Error("the model has no such script");
      return script(keys, args);
    },
    save: () => ({ texts: new Map(texts), indexes: new Map(indexes) }),
    load(data) {
      texts = new Map(data.texts);
      indexes = new Map(data.indexes);
    },
    size() {
      const at = now();
      const live = [...texts.values(), ...indexes.values()].filter(({ until }) => until > at);
      return live.length;
    },
  };
}
