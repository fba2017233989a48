/**
 * What stands for a key where keys may not be shown: 52 bits of two FNV-1a hashes. It tells one
 * key from another; it hides a key only from those who cannot guess it.
 */
export function hashKey(key: string): string {
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x85ebca6b);
  }
  const high = (a >>> 0).toString(16).padStart(8, "0");
  return `#${high}${(b >>> 12).toString(16).padStart(5, "0")}`;
}
