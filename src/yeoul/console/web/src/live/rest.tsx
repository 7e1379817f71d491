/** Asking the API once: the session, older incidents, and every write with its token. */
import { createContext, useContext } from "react";
import type { Said, Session } from "./shapes";

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly said: Said,
    message: string,
  ) {
    super(message);
  }
}

export async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...init });
  } catch {
    throw new Refused(0, { code: "network", params: {} }, "The console does not answer.");
  }
  const body = (await answer.json().catch(() => null)) as { error?: Said & { message: string } } | null;
  if (answer.ok) return body as T;
  const error = body?.error;
  throw new Refused(answer.status, error ?? { code: "unknown", params: {} }, error?.message ?? `${answer.status}`);
}

export function post<T>(path: string, body: unknown, csrf: string | null | undefined): Promise<T> {
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (csrf) headers["X-CSRF-Token"] = csrf;
  return ask<T>(path, { method: "POST", headers, body: JSON.stringify(body) });
}

export type SessionState = { session: Session; refresh: () => void };
const Context = createContext<SessionState | null>(null);
export const SessionGiven = Context;

export function useSession(): SessionState {
  const state = useContext(Context);
  if (!state) throw new Error("useSession outside of SessionGiven");
  return state;
}
