/** One WebSocket for the whole page: topics in, snapshots and deltas out, and always an honest word on the link. */
import { merge } from "./merge";
import type { Said, ServerMessage } from "./shapes";

export type Topic = {
  data: unknown;
  seq: number;
  /** Browser time of the newest message, milliseconds. */
  at_ms: number;
  /** How many messages made this: for tests that wait for news. */
  updates: number;
  error: Said | null;
};
export type Link = { state: "connecting" | "open" | "lost"; since_ms: number };
export type Socket = Pick<WebSocket, "send" | "close" | "addEventListener">;

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
const SILENCE: Topic = { data: undefined, seq: 0, at_ms: 0, updates: 0, error: null };

export class Feed {
  link: Link = { state: "connecting", since_ms: Date.now() };
  private readonly topics = new Map<string, Topic>();
  private readonly readers = new Map<string, number>();
  private readonly listeners = new Set<() => void>();
  private socket: Socket | null = null;
  private open = false;
  private stopped = true;
  private wait_ms = FIRST_WAIT_MS;
  private asking = false;

  constructor(
    private readonly connect: () => Socket,
    private readonly onSignedOut: () => void = () => {},
  ) {}

  listen = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  topic = (name: string): Topic => this.topics.get(name) ?? SILENCE;

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.dial();
  }

  stop(): void {
    this.stopped = true;
    this.socket?.close();
    this.socket = null;
  }

  /** Wants a topic until the answer is called. */
  want(name: string): () => void {
    this.readers.set(name, (this.readers.get(name) ?? 0) + 1);
    this.ask();
    return () => {
      const left = (this.readers.get(name) ?? 1) - 1;
      if (left > 0) this.readers.set(name, left);
      else this.readers.delete(name);
      this.ask();
    };
  }

  // Leaving one page and entering the next changes several topics: one message says them all.
  private ask(): void {
    if (this.asking) return;
    this.asking = true;
    queueMicrotask(() => {
      this.asking = false;
      if (!this.open) return;
      for (const name of this.topics.keys()) if (!this.readers.has(name)) this.topics.delete(name);
      this.socket?.send(JSON.stringify({ subscribe: [...this.readers.keys()] }));
    });
  }

  private dial(): void {
    if (this.stopped) return;
    const socket = this.connect();
    this.socket = socket;
    socket.addEventListener("open", () => {
      if (this.socket !== socket) return;
      this.open = true;
      this.wait_ms = FIRST_WAIT_MS;
      this.say("open");
      this.ask();
    });
    socket.addEventListener("message", (event) => {
      if (this.socket === socket) this.hear(JSON.parse(String((event as MessageEvent).data)) as ServerMessage);
    });
    socket.addEventListener("close", () => this.lost(socket));
    socket.addEventListener("error", () => socket.close());
  }

  private lost(socket: Socket): void {
    if (this.socket !== socket || this.stopped) return;
    this.socket = null;
    this.open = false;
    this.say("lost");
    // Many pages that lost the same server must not come back in the same instant.
    setTimeout(() => this.dial(), this.wait_ms * (0.75 + Math.random() / 2));
    this.wait_ms = Math.min(this.wait_ms * 2, LONGEST_WAIT_MS);
  }

  private say(state: Link["state"]): void {
    if (this.link.state !== state) this.link = { state, since_ms: Date.now() };
    this.tell();
  }

  private hear(message: ServerMessage): void {
    if (message.error?.code === "signed_out") return this.onSignedOut();
    const name = message.topic;
    if (!name || !this.readers.has(name)) return;
    const before = this.topic(name);
    if (message.kind === "delta" && message.base !== before.seq) return this.ask();
    const news = { seq: message.seq, at_ms: Date.now(), updates: before.updates + 1 };
    if (message.kind === "error") {
      this.topics.set(name, { ...before, ...news, error: message.error ?? { code: "unknown", params: {} } });
    } else {
      const data = message.kind === "snapshot" ? message.data : merge(before.data, message.data);
      this.topics.set(name, { ...news, data, error: null });
    }
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}
