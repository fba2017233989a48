/** The parameters of fast-check that replay a failure, from SIMULATION_SEED and SIMULATION_PATH, which it printed. */
export function replay(): { readonly seed?: number; readonly path?: string } {
  const seed = process.env["SIMULATION_SEED"];
  const path = process.env["SIMULATION_PATH"];
  return {
    ...(seed !== undefined && { seed: Number(seed) }),
    ...(path !== undefined && { path }),
  };
}
