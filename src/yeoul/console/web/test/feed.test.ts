import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Feed } from "../src/live/feed";
import { merge } from "../src/live/merge";

class FakeSocket extends EventTarget {
  sent: { subscribe: string[] }[] = [];
  closed = false;
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    if (this.closed) return;
    this.closed = true;
    this.dispatchEvent(new Event("close"));
  }
  opens() {
    this.dispatchEvent(new Event("open"));
  }
  says(message: object) {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }
}

let sockets: FakeSocket[];
let signedOut: number;
let feed: Feed;
const newest = () => sockets.at(-1) as FakeSocket;
const settled = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  signedOut = 0;
  feed = new Feed(
    () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
    () => (signedOut += 1),
  );
  feed.want("now");
  feed.start();
  newest().opens();
});
afterEach(() => {
  feed.stop();
  vi.useRealTimers();
});

describe("the feed", () => {
  it("asks for what is wanted in one message, and again when that changes", async () => {
    await settled();
    const leave = feed.want("pipeline");
    feed.want("demo");
    await settled();
    leave();
    await settled();
    expect(newest().sent.map((each) => each.subscribe)).toEqual([["now"], ["now", "pipeline", "demo"], ["now", "demo"]]);
  });

  it("puts deltas on snapshots and counts them", () => {
    newest().says({ topic: "now", kind: "snapshot", seq: 4, data: { a: 1, b: { c: 2, d: 3 } } });
    newest().says({ topic: "now", kind: "delta", seq: 6, base: 4, data: { b: { c: 9, d: null } } });
    expect(feed.topic("now")).toMatchObject({ data: { a: 1, b: { c: 9 } }, seq: 6, updates: 2 });
  });

  it("asks for a snapshot when a delta does not fit", async () => {
    await settled();
    newest().says({ topic: "now", kind: "snapshot", seq: 4, data: { a: 1 } });
    newest().says({ topic: "now", kind: "delta", seq: 9, base: 8, data: { a: 2 } });
    await settled();
    expect(feed.topic("now").data).toEqual({ a: 1 });
    expect(newest().sent).toHaveLength(2);
  });

  it("says that it is lost, keeps what it knew, and comes back by itself, ever more patiently", async () => {
    newest().says({ topic: "now", kind: "snapshot", seq: 1, data: { a: 1 } });
    newest().close();
    expect(feed.link.state).toBe("lost");
    expect(feed.topic("now").data).toEqual({ a: 1 });
    for (let tries = 2; tries <= 5; tries += 1) {
      await vi.advanceTimersByTimeAsync(13_000);
      expect(sockets).toHaveLength(tries);
      newest().close();
    }
    await vi.advanceTimersByTimeAsync(13_000);
    newest().opens();
    await settled();
    expect(feed.link.state).toBe("open");
    expect(newest().sent).toEqual([{ subscribe: ["now"] }]);
  });

  it("does not dial faster than twice a second at first", async () => {
    newest().close();
    await vi.advanceTimersByTimeAsync(300);
    expect(sockets).toHaveLength(1);
  });

  it("keeps a topic's data beside an error about it", () => {
    newest().says({ topic: "now", kind: "snapshot", seq: 1, data: { a: 1 } });
    newest().says({ topic: "now", kind: "error", seq: 2, error: { code: "not_found", params: {}, message: "" } });
    expect(feed.topic("now")).toMatchObject({ data: { a: 1 }, error: { code: "not_found" } });
  });

  it("tells when the session is over", () => {
    newest().says({ topic: null, kind: "error", seq: 0, error: { code: "signed_out", params: {}, message: "" } });
    expect(signedOut).toBe(1);
  });
});

describe("a merge patch", () => {
  it.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [["a", "b"], ["c", "d"], ["c", "d"]],
    [{ a: "b" }, ["c"], ["c"]],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("of %j with %j (RFC 7396, appendix A)", (target, patch, result) => {
    expect(merge(target, patch)).toEqual(result);
  });

  it("leaves the old value alone and shares what did not change", () => {
    const before = { a: { x: 1 }, b: { y: 2 } };
    const after = merge(before, { a: { x: 5 } }) as typeof before;
    expect(before.a.x).toBe(1);
    expect(after.b).toBe(before.b);
  });
});
