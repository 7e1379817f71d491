/** The address bar is the state: which page, and what is chosen on it. */
import { useCallback, useSyncExternalStore } from "react";

const MOVED = "yeoul:moved";

function listen(changed: () => void): () => void {
  addEventListener("popstate", changed);
  addEventListener(MOVED, changed);
  return () => {
    removeEventListener("popstate", changed);
    removeEventListener(MOVED, changed);
  };
}

function path(): string {
  return location.pathname.replace(/\/+$/, "") || "/";
}

/** Another page; the language in the address, if any, goes along. */
export function href(to: string): string {
  const lang = new URLSearchParams(location.search).get("lang");
  if (!lang) return to;
  return `${to}${to.includes("?") ? "&" : "?"}lang=${lang}`;
}

export function go(to: string): void {
  history.pushState(null, "", href(to));
  dispatchEvent(new Event(MOVED));
  scrollTo(0, 0);
}

export function usePath(): string {
  return useSyncExternalStore(listen, path);
}

/** One member of the query; null takes it out. Choices replace the entry, so that "back" leaves the page. */
export function useQuery(name: string): [string | null, (value: string | null) => void] {
  const value = useSyncExternalStore(listen, () => new URLSearchParams(location.search).get(name));
  const set = useCallback(
    (next: string | null) => {
      const query = new URLSearchParams(location.search);
      if (next === null || next === "") query.delete(name);
      else query.set(name, next);
      const text = query.toString();
      history.replaceState(null, "", `${location.pathname}${text && `?${text}`}`);
      dispatchEvent(new Event(MOVED));
    },
    [name],
  );
  return [value, set];
}
