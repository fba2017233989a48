/** Products that everybody reads. */
const HOT = 40;

/** What visitors of the shop ask for. */
export interface Traffic {
  /** One of a few products that soon are in memory. */
  hot(n: number): string;
  /** Mostly what is in memory, and a part that must come from afar. */
  mixed(n: number): string;
  /** A product that has not been asked for before. */
  cold(): number;
}

export function createTraffic(): Traffic {
  let last = HOT;
  const hot = (n: number): string => `/products/${1 + (n % HOT)}`;
  const cold = (): number => {
    last += 1;
    return last;
  };
  return {
    hot,
    cold,
    mixed(n) {
      switch (n % 10) {
        case 6:
          return `/products?page=${1 + (n % 70)}`;
        case 7:
          return `/products/${cold()}`;
        case 8:
          return `/products/${900_000 + cold()}`;
        case 9:
          return `/users?ids=${[1, 2, 3].map((step) => 1 + ((n * 7 + step * 991) % 4_999)).join(",")}`;
        default:
          return hot(n);
      }
    },
  };
}
