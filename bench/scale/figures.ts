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
  /** Whether the goal holds for the curve: that every median is within a tenth of the first. */
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

/** Returns the largest distance of a median from the first one, as a share of the first. */
export function deviationOf({ points }: Curve): number {
  const first = points[0]?.median ?? Number.NaN;
  const shares = points.map(({ median }) => (median - first) / first);
  return shares.reduce((most, share) => (Math.abs(share) > Math.abs(most) ? share : most), 0);
}
