/** The figures of `scale`: what a request costs as one quantity grows. */

export interface Point {
  readonly x: number;
  /** Microseconds of processor time: the median of the starts, the least and the most. */
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Curve {
  readonly name: string;
  readonly points: readonly Point[];
  /** Whether the goal holds for the curve: that its medians rise by a tenth at most. */
  readonly isFlat?: boolean;
}

export interface Axis {
  /** The name of the file of the chart. */
  readonly id: string;
  readonly title: string;
  /** The quantity that grows, and the unit of y. */
  readonly x: string;
  readonly y: string;
  readonly curves: readonly Curve[];
}

export interface Figures {
  readonly at: string;
  readonly machine: string;
  readonly starts: number;
  readonly rounds: number;
  readonly axes: readonly Axis[];
}

/** Returns the largest rise from a point to one with a larger x, as a share: 0.1 for a tenth more. */
export function riseOf({ points }: Curve): number {
  let lowest = Infinity;
  let rise = 0;
  for (const { median } of points) {
    lowest = Math.min(lowest, median);
    rise = Math.max(rise, median / lowest - 1);
  }
  return rise;
}
