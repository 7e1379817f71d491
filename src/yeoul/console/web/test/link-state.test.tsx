// @vitest-environment jsdom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { expect, it } from "vitest";
import recorded from "../fixtures/now.json";
import { Feed } from "../src/live/feed";
import { FeedGiven } from "../src/live/hooks";
import { WordsGiven } from "../src/messages/language";
import { LinkState } from "../src/shell/link-state";
import { english } from "./words";

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;

class Line extends EventTarget {
  send() {}
  close() {}
}

async function shown(status: string): Promise<string> {
  const line = new Line();
  const feed = new Feed(() => line as unknown as WebSocket);
  const host = document.createElement("div");
  const root = createRoot(host);
  const page = (
    <WordsGiven words={english}>
      <FeedGiven value={feed}>
        <LinkState />
      </FeedGiven>
    </WordsGiven>
  );
  await act(async () => root.render(page));
  const data = { ...recorded, engine: { status } };
  const message = { topic: "now", kind: "snapshot", seq: 1, data };
  await act(async () => {
    feed.start();
    line.dispatchEvent(new Event("open"));
    line.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  });
  const text = host.textContent ?? "";
  await act(async () => root.unmount());
  return text;
}

it.each([
  ["running", "Live"],
  ["silent", "The engine does not answer"],
  ["stopped", "The engine does not answer"],
])("an engine that is %s is told as: %s", async (status, said) => {
  expect(await shown(status)).toBe(said);
});
