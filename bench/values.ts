/**
 * Measures large values in Redis: what compression saves and costs, by size. Compression runs after
 * the response; every reader of the entry pays for decompression.
 */
import { encodeEntry } from "../src/core/codec.ts";
import { pack, unpack } from "../src/redis/packing.ts";
import { createEntries } from "./eviction/replay.ts";
import { createDice } from "./support/dice.ts";
import { save, show, type Row } from "./support/report.ts";
import { median } from "./support/time.ts";

const ROUNDS = 25;
/** Characters that a Worker and a distant database exchange in 1 ms: 10 MB/s. */
const CHARS_PER_MS = 10_000;
const WORDS = "Marlow Max Watch steel strap sapphire glass water proof quartz leather case".split(
  " ",
);

const dice = createDice(1);
const word = (): string => WORDS[Math.floor(dice() * WORDS.length)] ?? "";
const product = (id: number) => ({
  id,
  name: `${word()} ${word()}`,
  description: Array.from({ length: 14 }, word).join(" "),
  priceCents: Math.floor(dice() * 100_000),
  categoryId: Math.floor(dice() * 20),
  stock: Math.floor(dice() * 500),
  updatedAt: new Date(1.7e12 + dice() * 1e10).toISOString(),
});
const [template] = createEntries(1);
if (template === undefined) throw new Error("there is no entry");

async function timed<T>(work: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const startedAt = performance.now();
  const value = await work();
  return { value, ms: performance.now() - startedAt };
}

const rows: Row[] = [];
for (const items of [1, 4, 8, 16, 32, 64, 256, 1_024, 4_096]) {
  const body = JSON.stringify(Array.from({ length: items }, (_, id) => product(id)));
  const text = encodeEntry({ ...template, body });
  const packing: number[] = [];
  const unpacking: number[] = [];
  let stored = "";
  for (let round = 0; round < ROUNDS; round++) {
    const packed = await timed(() => pack(text, 1));
    const unpacked = await timed(() => unpack(packed.value));
    if (unpacked.value !== text) throw new Error("it came back as another");
    packing.push(packed.ms);
    unpacking.push(unpacked.ms);
    stored = packed.value;
  }
  const saved = text.length - stored.length;
  rows.push({
    products: items,
    chars: text.length,
    stored: stored.length,
    share: `${((100 * stored.length) / text.length).toFixed(0)} %`,
    "pack, ms": median(packing).toFixed(3),
    "unpack, ms": median(unpacking).toFixed(3),
    "saved on the way at 10 MB/s, ms": (saved / CHARS_PER_MS).toFixed(3),
  });
}
show("Lists of products as Redis holds them", rows);
save("values", rows);
