import { describe, expect, it } from "vitest";
import { chooseCandidates } from "../../src/api/candidates.ts";

const candidate = (id: number, views = 0, priceCents = 100) => ({ id, views, priceCents });
const product = { id: 1, priceCents: 100 };

describe("chooseCandidates", () => {
  it("candidates with as many views are ordered by the distance of their price, then by id", () => {
    const list = [candidate(5, 0, 90), candidate(4, 0, 110), candidate(3, 0, 500), candidate(2, 1)];
    expect(chooseCandidates(product, [list], 10)).toEqual([2, 4, 5, 3]);
  });

  it("lists of candidates take turns, and a product that two lists have is chosen once", () => {
    const lists = [[candidate(2), candidate(3), candidate(4)], [candidate(3), candidate(9)], []];
    expect(chooseCandidates(product, lists, 10)).toEqual([2, 3, 9, 4]);
  });

  it("the product itself is no candidate, and at most `limit` are chosen", () => {
    const list = [candidate(1, 9), candidate(2), candidate(3), candidate(4)];
    expect(chooseCandidates(product, [list], 2)).toEqual([2, 3]);
    // The product takes no turn either.
    expect(chooseCandidates(product, [list, [candidate(8), candidate(9)]], 3)).toEqual([2, 8, 3]);
    expect(chooseCandidates(product, [], 2)).toEqual([]);
  });
});
