import { describe, expect, it } from "vitest";
import type { Incident } from "../src/live/shapes";
import { fits } from "../src/pages/incidents/filter";
import { movementOf } from "../src/pages/now/movement";
import { remember } from "../src/pages/now/score-history";
import { type Drawing, outside } from "../src/parts/chart/drawing";
import { chartSentence } from "../src/parts/chart/sentence";
import { sparkPath } from "../src/parts/sparkline";
import { windowOf } from "../src/parts/table/window";
import { english } from "./words";

const DRAWING: Drawing = {
  title: "Observed against expected",
  at_us: [0, 10e6, 20e6, 30e6],
  lines: [{ label: "Observed", look: "line", values: [10, null, 90, 12] }],
  band: { label: "Normal", lower: [5, 5, 5, null], upper: [20, 20, 20, null] },
  spans: [{ from_us: 20e6, to_us: 30e6 }],
};

describe("a chart in words", () => {
  it("says the newest, lowest and highest value, what is outside, and what is marked", () => {
    expect(chartSentence(english, DRAWING)).toMatch(
      /^Observed against expected, .+ to .+: Observed now 12, lowest 10, highest 90; outside the normal range in 1 of 4 windows; 1 incident is marked\.$/,
    );
  });

  it("says so when there is nothing", () => {
    expect(chartSentence(english, { ...DRAWING, at_us: [] })).toContain("Nothing to draw yet.");
  });

  it.each([
    [0, false],
    [1, false],
    [2, true],
    [3, false],
  ])("calls point %s outside only when value and range are known", (at, is) => {
    expect(outside(DRAWING, at)).toBe(is);
  });
});

describe("a long table", () => {
  it.each([
    ["at the top", 0, 0, 20],
    ["in the middle", 36_000, 992, 1_020],
    ["at the end", 36 * 100_000, 99_980, 100_000],
  ])("draws only the rows in sight %s", (_, scroll_px, first, last) => {
    const window = windowOf(100_000, 36, scroll_px, 432);
    expect(window.first).toBeGreaterThanOrEqual(first);
    expect(window.last).toBeLessThanOrEqual(last);
    expect(window.last - window.first).toBeLessThanOrEqual(29);
    expect(window.before_px + (window.last - window.first) * 36 + window.after_px).toBe(100_000 * 36);
  });

  it("stays whole when rows went away under the scroll position", () => {
    const window = windowOf(3, 36, 5_000, 432);
    expect(window.last).toBe(3);
    expect(window.first).toBeLessThanOrEqual(3);
  });
});

it.each([
  ["up 3", "up", 3],
  ["down 1", "down", 1],
  ["new", "new", 0],
  ["same", "same", 0],
  ["", "same", 0],
])("the movement %j is read as %s by %i", (text, way, by) => expect(movementOf(text)).toEqual({ way, by }));

describe("a small line", () => {
  it("needs four points to be a course", () => {
    expect(sparkPath([1, 2, 3])).toBe("");
    expect(sparkPath([1, 1, 1, 1])).not.toContain("NaN");
  });

  it("remembers changes, not repeats, and forgets the oldest", () => {
    remember("a", 1);
    expect(remember("a", 1)).toEqual([1]);
    for (let score = 2; score < 100; score += 1) remember("a", score);
    expect(remember("a", 100)).toHaveLength(40);
  });
});

describe("the filter of incidents", () => {
  const open = {
    id: "f00",
    block: "customers",
    keys: [[{ field: "cpk", value: "CP0010", name: "한빛 TV" }]],
  } as unknown as Incident;
  const over = { ...open, closed_us: 5 } as Incident;

  it.each([
    [open, null, "", true],
    [open, "open", "", true],
    [over, "open", "", false],
    [over, "closed", "", true],
    [open, "closed", "", false],
    [open, null, "한빛", true],
    [open, null, " cp0010 ", true],
    [open, null, "f00", true],
    [open, null, "other", false],
  ])("case %#", (incident, state, search, is) => expect(fits(incident, state, search)).toBe(is));
});
