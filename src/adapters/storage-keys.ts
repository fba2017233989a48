/** Names the items of a storage: names and bases of any length become keys and prefixes of the cache. */
import { encodePart, MAX_KEY_LENGTH } from "../core/key.ts";
import { sha256Hex } from "../core/sha256.ts";

/** The parts of a name that a prefix can have. */
const PREFIX_PARTS = 3;
/** The characters of a part that stays as it is. A prefix of three such parts is within the limit of a tag. */
const MAX_PART = 70;

/** The text of a hash. No part begins with a plus sign, because a part is percent-encoded. */
const hashed = async (text: string): Promise<string> => `+${await sha256Hex(text)}`;

async function segmentOf(part: string): Promise<string> {
  const text = part.length > MAX_PART ? undefined : encodePart(part);
  return text === undefined || text.length > MAX_PART ? hashed(part) : text;
}

/**
 * Returns the key of an item. Its first three parts stay parts, so that a base is a prefix that can be purged.
 * Long parts are hashed, and the parts behind the third together if the key would be too long. `root` is the
 * beginning of all keys of a kind.
 */
export async function keyOfItem(root: string, name: string): Promise<string> {
  const parts = name.split(":");
  const leading = await Promise.all(parts.slice(0, PREFIX_PARTS).map(segmentOf));
  const start = root + leading.join(":");
  if (parts.length <= PREFIX_PARTS) return start;
  const others = parts.slice(PREFIX_PARTS);
  const room = MAX_KEY_LENGTH - start.length;
  const rest = others.join(":");
  const text = rest.length < room ? others.map(encodePart).join(":") : undefined;
  return `${start}:${text !== undefined && text.length < room ? text : await hashed(rest)}`;
}

/** Returns the prefix of all keys under a base, which is empty or ends with a colon. */
export async function prefixOfBase(root: string, base = ""): Promise<string> {
  const parts = base.split(":").filter((part) => part !== "");
  const segments = await Promise.all(parts.map(segmentOf));
  return root + segments.map((segment) => `${segment}:`).join("");
}
