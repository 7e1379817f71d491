/** Who is asking, in which language, on which feed: then the frame with a page in it. */
import { useCallback, useEffect, useMemo, useState } from "react";
import { Feed } from "../live/feed";
import { FeedGiven } from "../live/hooks";
import { ask, SessionGiven } from "../live/rest";
import type { Session } from "../live/shapes";
import { LanguageProvider } from "../messages/language";
import { Frame } from "./frame";

const SIGNED_OUT: Session = { signed_in: false, password: true, version: "", demo: false, language: "auto" };
const RETRY_MS = 2000;

function connect(): WebSocket {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return new WebSocket(`${scheme}://${location.host}/api/live`);
}

export function App() {
  const [session, setSession] = useState<Session | null>(null);
  const refresh = useCallback(() => {
    const again = () => setTimeout(refresh, RETRY_MS);
    ask<Session>("/api/session").then(setSession, (error: { status?: number }) =>
      error.status === 401 ? setSession(SIGNED_OUT) : again(),
    );
  }, []);
  useEffect(refresh, [refresh]);

  const feed = useMemo(() => new Feed(connect, refresh), [refresh]);
  const signedIn = session?.signed_in === true;
  useEffect(() => {
    if (!signedIn) return;
    feed.start();
    return () => feed.stop();
  }, [feed, signedIn]);

  const state = useMemo(() => session && { session, refresh }, [session, refresh]);
  return (
    <LanguageProvider setting={session?.language ?? "auto"}>
      <FeedGiven value={feed}>
        <SessionGiven value={state}>{state && <Frame />}</SessionGiven>
      </FeedGiven>
    </LanguageProvider>
  );
}
