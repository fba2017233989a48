/** Returns the places of the keys in their list, for each object that has some of them. */
export function placesByObject(
  keys: readonly string[],
  objectOf: (key: string) => string,
): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const [i, key] of keys.entries()) {
    const name = objectOf(key);
    const known = places.get(name);
    if (known === undefined) places.set(name, [i]);
    else known.push(i);
  }
  return places;
}
