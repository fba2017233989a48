/** The popular products. */
const HOT = 40;
/** The products that the cron trigger warms: those with the lowest ids. */
const WARMED = 1_000;

/** The paths that visitors of the shop read. */
export interface Traffic {
  /** One of a few products, which are soon in memory. */
  hot(n: number): string;
  /** Mostly products in memory, and some from Redis or the origin. */
  mixed(n: number): string;
  /** A product that has not been read before. */
  cold(): number;
}

export function createTraffic(): Traffic {
  let last = WARMED;
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
