/** What components see of the feed: a topic's data, and the state of the link. */
import { createContext, useContext, useEffect, useSyncExternalStore } from "react";
import type { Feed, Link, Topic } from "./feed";

const Context = createContext<Feed | null>(null);
export const FeedGiven = Context;

function useFeed(): Feed {
  const feed = useContext(Context);
  if (!feed) throw new Error("useFeed outside of FeedGiven");
  return feed;
}

export function useTopic<T>(name: string): Omit<Topic, "data"> & { data: T | undefined } {
  const feed = useFeed();
  useEffect(() => feed.want(name), [feed, name]);
  const topic = useSyncExternalStore(feed.listen, () => feed.topic(name));
  return topic as Omit<Topic, "data"> & { data: T | undefined };
}

export function useLink(): Link {
  const feed = useFeed();
  return useSyncExternalStore(feed.listen, () => feed.link);
}
