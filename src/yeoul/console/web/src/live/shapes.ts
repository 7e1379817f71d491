/** The JSON of the console's API, as far as the pages use it (console/contract.py is the source). */

export type Params = Record<string, unknown>;
export type Said = { code: string; params: Params };
export type KeyPart = { field: string; value: string; name?: string | null };
export type Key = KeyPart[];
export type Maybe<T> = T | null | undefined;

export type Health = { status: "green" | "yellow" | "red"; causes: Said[] };
export type Engine = { status: "running" | "silent" | "stopped"; since_us?: Maybe<number>; pid?: Maybe<number> };
export const CLASSES = ["counted", "late", "future", "invalid", "duplicate", "filtered"] as const;
export type LedgerClass = (typeof CLASSES)[number];
export type Ledger = Record<LedgerClass | "read" | "bytes", number>;

export type Pulse = {
  width_us?: Maybe<number>;
  start_us: number[];
  rows: number[];
  keys: number[];
  full: boolean[];
};

export type Stream = {
  rate_eps?: Maybe<number>;
  bytes_per_s?: Maybe<number>;
  watermark_us?: Maybe<number>;
  newest_us?: Maybe<number>;
  lag_s?: Maybe<number>;
  backlog_bytes?: Maybe<number>;
  backlog_messages?: Maybe<number>;
  open_windows?: Maybe<number>;
  keys?: Maybe<number>;
  ledger: Ledger;
  pulse: Pulse;
  partial?: Maybe<{ start_us: number; rows: number }>;
};

export type Incident = {
  id: string;
  block: string;
  keys: Key[];
  keys_total: number;
  detectors: string[];
  direction: string;
  observed: number;
  expected: number;
  score: number;
  confidence: number;
  since_us: number;
  opened_us: number;
  updated_us: number;
  closed_us?: Maybe<number>;
  findings: number;
  causes?: Maybe<Cause[]>;
};

/** A part that keys which became abnormal together lost or gained. */
export type Cause = { key: Key; direction: string; keys: number; of: number; share: number; since_us: number };

/** What the alarm policy of a detect block did: keys by the rule that held them back. */
export type Watch = {
  at_us?: Maybe<number>;
  scope: number;
  threshold: number;
  counts: Record<string, number>;
  hour: Record<string, number>;
  calendar: { name: string; action: string; keys: string; until_us: number }[];
};

/** `trend`: change against its own past; 0 is as ever, 1 is twice as much. */
export type Place = { place: number; key: Key; score: number; count: number; trend: number; movement: string };

export type Now = {
  at_us: number;
  engine: Engine;
  health: Health;
  incidents: Record<string, Incident>;
  incidents_open: number;
  recent: Incident[];
  rankings: Record<string, Place[]>;
  streams: Record<string, Stream>;
  watches?: Maybe<Record<string, Watch>>;
};

export type Track = {
  key: Key;
  at_us: number[];
  observed: (number | null)[];
  expected: (number | null)[];
  lower: (number | null)[];
  upper: (number | null)[];
};
export type Contributor = { key: Key; share?: Maybe<number>; observed?: Maybe<number>; expected?: Maybe<number> };
export type Finding = {
  id: string;
  detector: string;
  key: Key;
  start_us: number;
  observed: number;
  expected: number;
  lower: number;
  upper: number;
  p: number;
  score: number;
  confidence: number;
  why: Said[];
};
export type MutedFinding = Finding & { block: string; muted: string };
export type Change = { at_us: number; code: string; params: Params };
export type IncidentDetail = Incident & {
  width_us?: Maybe<number>;
  tracks: Track[];
  contributors: Contributor[];
  finding_list: Finding[];
  changes: Change[];
};
export type IncidentPage = { incidents: Incident[]; next_before_us?: Maybe<number> };

export type Split = {
  status: string;
  source: string;
  offset?: Maybe<number>;
  front_us?: Maybe<number>;
  watermark_us?: Maybe<number>;
  backlog_bytes?: Maybe<number>;
  backlog_messages?: Maybe<number>;
  lag_s?: Maybe<number>;
  ledger: Ledger;
};
export type QuarantineSample = {
  id: number;
  kind: string;
  reason: string;
  source: string;
  position: number;
  preview: string;
  size_bytes: number;
  at_us: number;
};
export type Quarantine = {
  rows: number;
  bytes: number;
  dropped_rows?: number;
  reasons: Record<string, number>;
  samples: QuarantineSample[];
};
export type StreamPipeline = Stream & { splits: Record<string, Split>; quarantine: Quarantine; log_seq?: Maybe<number> };
export type Checkpoint = { seq: number; at_us: number; duration_ms: number; state_bytes: number };
export type Notice = { id: number; at_us: number; stream: string; kind: string; source: string; detail: string };
export type Pipeline = {
  at_us: number;
  engine: Engine;
  health: Health;
  streams: Record<string, StreamPipeline>;
  checkpoint?: Maybe<Checkpoint>;
  checkpoints: Checkpoint[];
  notices: Notice[];
};

export type Planted = {
  id: string;
  kind: string;
  keys: Key[];
  start_us?: Maybe<number>;
  end_us?: Maybe<number>;
  magnitude?: Maybe<number>;
  status: "asked" | "refused" | "planned" | "running" | "over";
  reason?: Maybe<string>;
  incidents: string[];
  delay_s?: Maybe<number>;
};
export type PlantKind = {
  target: string;
  magnitude: number;
  lowest: number;
  highest: number;
  duration_s: number;
};
export type Demo = { kinds: Record<string, PlantKind>; planted: Planted[] };

export type Session = {
  signed_in: boolean;
  password: boolean;
  csrf?: Maybe<string>;
  version: string;
  demo: boolean;
  language: string;
};

export type ServerMessage = {
  topic?: Maybe<string>;
  kind: "snapshot" | "delta" | "error";
  seq: number;
  base?: Maybe<number>;
  data?: unknown;
  error?: Maybe<Said & { message: string }>;
};
