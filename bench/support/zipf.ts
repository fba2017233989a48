/**
 * Creates a generator of ranks 0 to `count - 1`. Rank r has a probability in proportion to 1 / (r +
 * 1)^exponent.
 */
export function createZipf(count: number, exponent: number, dice: () => number): () => number {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) {
    sum += (rank + 1) ** -exponent;
    sums[rank] = sum;
  }
  return () => {
    const drawn = dice() * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) > drawn) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
