import { createElement, type ReactNode } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import recorded from "../fixtures/now.json";
import incidentDetail from "../fixtures/incident.json";
import type { Incident, Now } from "../src/live/shapes";
import { statusOf } from "../src/pages/now/status";
import { english } from "./words";

const OPEN = { state: "open", since_ms: 0 } as const;
const LOST = { state: "lost", since_ms: 0 } as const;
const { closed_us: _, ...still } = incidentDetail as unknown as Incident;
const calm: Now = { ...(recorded as unknown as Now), incidents: {}, incidents_open: 0, health: { status: "green", causes: [] } };
const alarmed: Now = { ...calm, incidents: { [still.id]: still as Incident }, incidents_open: 1 };

function plain(node: ReactNode): string {
  return renderToStaticMarkup(createElement("p", null, node)).replace(/<[^>]+>/g, "");
}
function status(now: Now | undefined, link: typeof OPEN | typeof LOST = OPEN, long = true) {
  const found = statusOf(english, now, link, long);
  return { tone: found.tone, text: plain(found.headline), notes: found.notes };
}

describe("the first sentence", () => {
  it("says that all is normal only when it is known", () => {
    expect(status(calm)).toMatchObject({ tone: "normal", text: "All is normal." });
  });

  it("does not call it normal where nobody watches", () => {
    const found = status({ ...calm, watches: {} });
    expect(found.text).toBe("Rows are counted. Nothing is watched here.");
    expect(found.notes[0]).toContain("No detect block runs in this engine");
  });

  it("says who, what and since when as soon as something is abnormal", () => {
    const found = status(alarmed);
    expect(found.tone).toBe("alarm");
    expect(found.text).toMatch(/.+: .+ since .+/);
  });

  it("does not claim anything while the link is down", () => {
    expect(status(calm, LOST)).toMatchObject({ tone: "unsure", text: expect.stringContaining("Not known") });
    expect(status(undefined, LOST, false).tone).toBe("unsure");
  });

  it("does not flicker at a blink of the link", () => {
    expect(status(calm, LOST, false).tone).toBe("normal");
  });

  it.each(["stopped", "silent"] as const)("does not call it normal while the engine is %s", (engine) => {
    expect(status({ ...calm, engine: { status: engine, since_us: 1 } }).tone).toBe("unsure");
    expect(status({ ...calm, engine: { status: engine } }).text).toContain("not running");
  });

  it.each(["no_input", "all_silent", "source_unreadable", "state_unreadable", "catching_up"])(
    "does not call it normal while it is blind: %s",
    (code) => {
      const params = { stream: "hits", detail: "" };
      expect(status({ ...calm, health: { status: "yellow", causes: [{ code, params }] } }).tone).toBe("unsure");
    },
  );

  it.each(["yellow", "red"] as const)("does not call it normal while many rows are refused: %s", (level) => {
    const cause = { code: "schema_drift", params: { stream: "hits", reason: "`cpk` is missing", share: 0.9, since_us: 0 } };
    const found = status({ ...calm, health: { status: level, causes: [cause] } });
    expect(found).toMatchObject({ tone: "unsure", text: expect.stringContaining("`cpk` is missing") });
  });

  it("calls it normal with a note when only something beside the point is wrong", () => {
    const cause = { code: "notifier_failing", params: { notifier: "ops", detail: "refused" } };
    const found = status({ ...calm, health: { status: "yellow", causes: [cause] } });
    expect(found).toMatchObject({ tone: "normal", notes: ["incidents cannot be told to ops (refused)."] });
  });
});
