import { describe, expect, it } from "vitest";
import type { Incident } from "../src/live/shapes";
import { change, figure, oddness, percent, rate, short, size } from "../src/parts/figures";
import { deviationOf, kindOf, sentenceOf, worstFirst } from "../src/parts/deviation";
import { causeText } from "../src/parts/causes";
import { keyName } from "../src/parts/naming";
import { say } from "../src/parts/said";
import { policyText } from "../src/pages/incidents/policy";
import { clock, span, zone } from "../src/parts/times";
import { english, korean } from "./words";

const NOON_US = Date.UTC(2026, 2, 2, 12, 0, 0) * 1000;

function incident(some: Partial<Incident>): Incident {
  return {
    id: "a1",
    block: "customers",
    keys: [[{ field: "cpk", value: "C7", name: "한빛 TV" }]],
    keys_total: 1,
    detectors: ["seasonal"],
    direction: "up",
    observed: 340,
    expected: 100,
    score: 0.9,
    confidence: 0.9,
    since_us: NOON_US,
    opened_us: NOON_US,
    updated_us: NOON_US,
    findings: 3,
    ...some,
  };
}

describe("an incident in words", () => {
  it.each([
    ["far above", {}, "3.4× more than expected", "예상보다 3.4배 많음"],
    ["below", { direction: "down", observed: 25 }, "75 % less than expected", "예상보다 75% 적음"],
    ["down to zero", { direction: "down", observed: 0 }, "down to zero, 100 expected", "0까지 감소, 예상 100"],
    ["out of nothing", { expected: 0 }, "340 where nothing was expected", "없어야 할 340건 발생"],
    ["odd in its course only", { observed: 101 }, "not like usual", "평소와 다름"],
    ["mixed", { direction: "mixed" }, "not like usual", "평소와 다름"],
  ])("says what is wrong when it is %s", (_, some, inEnglish, inKorean) => {
    expect(deviationOf(english, incident(some))).toBe(inEnglish);
    expect(deviationOf(korean, incident(some))).toBe(inKorean);
  });

  it("names who, what and since when in one sentence", () => {
    const time = clock("en-GB", NOON_US);
    expect(sentenceOf(english, incident({})).text).toBe(`한빛 TV: 3.4× more than expected since ${time}`);
  });

  it("says from when to when once it is over", () => {
    const over = incident({ closed_us: NOON_US + 60e6, keys_total: 12 });
    expect(sentenceOf(english, over).text).toMatch(/^한빛 TV and 11 more: 3\.4× more than expected, .+ to .+$/);
    expect(sentenceOf(korean, over).text).toMatch(/^한빛 TV 외 11곳: .+~.+ 예상보다 3\.4배 많았음$/);
  });

  it("puts the worst first, the wider of two equals, then the newer", () => {
    const order = worstFirst([
      incident({ id: "narrow" }),
      incident({ id: "weak", score: 0.5 }),
      incident({ id: "wide", keys_total: 9 }),
      incident({ id: "newer", since_us: NOON_US + 1 }),
    ]);
    expect(order.map((each) => each.id)).toEqual(["wide", "newer", "narrow", "weak"]);
  });

  it("says down to zero even when nothing was expected either", () => {
    expect(kindOf({ direction: "down", observed: 0, expected: 0 })).toBe("down.zero");
  });
});

describe("figures", () => {
  it.each([
    [0.4123, "0.41"],
    [3.4, "3.4"],
    [48.25, "48.3"],
    [1240.4, "1,240"],
  ])("%s has few digits", (value, shown) => expect(figure("en-GB", value)).toBe(shown));

  it.each([
    [0.99996, "99.9"],
    [1, "100"],
    [0.0004, "0.04"],
    [0, "0"],
    [0.355, "36"],
  ])("a share of %s never looks like all or nothing when it is not", (share, shown) => {
    expect(percent("en-GB", share)).toBe(shown);
  });

  it.each([
    [0, "0 %"],
    [0.4, "+40 %"],
    [-0.1, "−10 %"],
    [1.8, "2.8×"],
  ])("a change of %s against the past", (trend, shown) => expect(change("en-GB", trend)).toBe(shown));

  it("counts large numbers as the language does", () => {
    expect(short("en-GB", 12_400)).toMatch(/^12\.4\s?k$/i);
    expect(short("ko-KR", 12_400)).toMatch(/^1\.2만$/);
    expect(size("en-GB", 43_709_744)).toBe("43.7 MB");
  });

  it.each([
    [0.5, "one normal window in 1,000"],
    [1, "rarer than one normal window in 1,000,000"],
  ])("a score of %s as odds", (score, said) => expect(oddness(english, score)).toBe(said));
});

describe("times", () => {
  it.each([
    [0.4, "0 s"],
    [59, "59 s"],
    [61, "1 min"],
    [3_660, "1 h 1 min"],
    [30_000, "8 h"],
    [200_000, "2 days"],
  ])("a span of %s seconds", (seconds, said) => expect(span(english, seconds)).toBe(said));

  it("shows the date only when it is another day", () => {
    const at = new Date(2026, 2, 2, 20, 10, 5);
    const us = at.getTime() * 1000;
    expect(clock("en-GB", us, true, at)).toBe("20:10:05");
    expect(clock("en-GB", us, false, new Date(2026, 2, 3))).toMatch(/2 Mar.*20:10/);
    expect(clock("en-GB", us, false, new Date(2027, 2, 3))).toMatch(/2026/);
  });
});

describe("codes from the server", () => {
  it("become sentences with their values", () => {
    const drift = { stream: "hits", field: "cpk", reason: "`cpk` is missing", share: 0.5, splits: [], since_us: 0 };
    expect(say(english, "health", { code: "schema_drift", params: drift })).toMatch(
      /^50 % of the latest rows of stream hits are refused, since .+: `cpk` is missing\.$/,
    );
    expect(say(english, "health", { code: "many_invalid", params: { stream: "hits", share: 0.123 } })).toBe(
      "12 % of the rows of stream hits cannot be read.",
    );
    const parts = [{ key: [{ field: "base_mck", value: "M1", name: "먼 정원" }], share: 0.5 }];
    expect(say(english, "why", { code: "contributors", params: { parts } })).toBe("mostly 먼 정원 50 %");
  });

  it("are shown as they came when no catalogue has them", () => {
    expect(say(korean, "health", { code: "moon_is_full", params: {} })).toBe("moon is full");
  });
});

it.each([
  [0.412, "0.41"],
  [8.25, "8.25"],
  [54.5, "55"],
  [1240.3, "1,240"],
])("a rate of %s rows a second is said as steadily as it is", (value, shown) => {
  expect(rate("en-GB", value)).toBe(shown);
});

it.each([
  [-540, "+9"],
  [-330, "+5:30"],
  [210, "−3:30"],
  [0, "+0"],
])("the zone of the times says how far it is from UTC (%s minutes)", (minutes, offset) => {
  expect(zone({ getTimezoneOffset: () => minutes } as Date).offset).toBe(offset);
});

describe("what abnormal keys share", () => {
  const cause = { key: [{ field: "base_mck", value: "M7", name: "봄날" }], keys: 84, of: 91, share: 0.83, since_us: NOON_US };

  it.each([
    ["lost", "84 of 91 that are abnormal lost 봄날 (M7) at", "이상인 91개 중 84개에서"],
    ["gained", "84 of 91 that are abnormal gained 봄날 (M7) at", "봄날 (M7) 증가"],
  ])("says how many %s which part, when, and how much that explains", (direction, inEnglish, inKorean) => {
    expect(causeText(english, { ...cause, direction })).toContain(inEnglish);
    expect(causeText(english, { ...cause, direction })).toContain("83 % of the difference");
    expect(causeText(korean, { ...cause, direction })).toContain(inKorean);
  });

  it("has a name for all small keys together, however many fields they have", () => {
    const part = { field: "cpk", value: "(small together)" };
    expect(keyName(english, [part, { ...part, field: "mck" }])).toBe("All small ones together");
    expect(keyName(korean, [part])).toBe("작은 것들의 합");
  });
});

describe("what the alarm policy held back", () => {
  const watch = { scope: 9, threshold: 1e-6, counts: {}, calendar: [] };

  it("is told rule by rule, and what it let through", () => {
    const hour = { usual: 900, volume: 9, muted: 2, single: 1, sustained: 3 };
    expect(policyText(english, { ...watch, hour })).toBe("15 odd key-windows: 9 below the volume floor, 2 muted, 4 alarmed");
  });

  it("is nothing where nothing was odd", () => {
    expect(policyText(english, { ...watch, hour: { usual: 900 } })).toBe("Nothing was odd.");
  });
});
