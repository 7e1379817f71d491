// @vitest-environment jsdom
import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import recorded from "../fixtures/incident.json";
import { Feed } from "../src/live/feed";
import { FeedGiven } from "../src/live/hooks";
import type { Incident } from "../src/live/shapes";
import { WordsGiven } from "../src/messages/language";
import { Announcer } from "../src/shell/announcer";
import { english } from "./words";

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;

class Line extends EventTarget {
  send() {}
  close() {}
  shows(ids: string[], seq: number) {
    const incidents = Object.fromEntries(ids.map((id) => [id, { ...(recorded as unknown as Incident), id }]));
    const message = { topic: "now", kind: "snapshot", seq, data: { incidents } };
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }
}

let line: Line;
let root: Root;
let host: HTMLElement;
const said = () => host.textContent ?? "";
const show = (ids: string[], seq: number) => act(async () => line.shows(ids, seq));
const wait = (ms: number) => act(async () => vi.advanceTimersByTimeAsync(ms));

beforeEach(async () => {
  vi.useFakeTimers({ now: 1_000_000 });
  line = new Line();
  const feed = new Feed(() => line as unknown as WebSocket);
  host = document.createElement("div");
  root = createRoot(host);
  await act(async () =>
    root.render(
      <WordsGiven words={english}>
        <FeedGiven value={feed}>
          <Announcer />
        </FeedGiven>
      </WordsGiven>,
    ),
  );
  feed.start();
});
afterEach(async () => {
  await act(async () => root.unmount());
  vi.useRealTimers();
});

it("says nothing of what was open when the page came", async () => {
  await show(["a"], 1);
  await wait(20_000);
  expect(said()).toBe("");
});

it("says a new alarm at once, and several within ten seconds in one sentence later", async () => {
  await show(["a"], 1);
  await show(["a", "b"], 2);
  await wait(0);
  expect(said()).toMatch(/^New alarm: /);
  await show(["a", "b", "c"], 3);
  await wait(3_000);
  await show(["a", "b", "c", "d"], 4);
  await wait(3_000);
  expect(said()).toMatch(/^New alarm: /);
  await wait(5_000);
  expect(said()).toMatch(/^2 new alarms\. The worst: /);
});

it("does not repeat an alarm that is still open", async () => {
  await show([], 1);
  await show(["a"], 2);
  await wait(0);
  const first = said();
  await show(["a"], 3);
  await wait(30_000);
  expect(said()).toBe(first);
});
