/** Page *Now*: what is abnormal and since when, what is hot, and how the stream runs. */
import { useLink, useTopic } from "../../live/hooks";
import type { Now } from "../../live/shapes";
import { useQuery } from "../../shell/route";
import { FlowSection } from "./flow";
import { Headline } from "./headline";
import { HotList } from "./hot-list";
import { OpenIncidents, RecentIncidents } from "./incident-list";
import { Vitals } from "./vitals";
import "./now.css";

export function NowPage() {
  const topic = useTopic<Now>("now");
  const link = useLink();
  const [chosen] = useQuery("stream");
  const now = topic.data;
  const names = Object.keys(now?.streams ?? {});
  const name = names.find((each) => each === chosen) ?? names[0];
  const stream = name === undefined ? undefined : now?.streams[name];
  return (
    <div data-testid="now" data-updated={topic.updates} className={link.state === "lost" ? "is-old" : ""}>
      <Headline now={now} link={link} at_ms={topic.at_ms} />
      {now && (
        <div className="columns now">
          <div>
            <OpenIncidents now={now} />
            {name !== undefined && stream && <FlowSection name={name} names={names} stream={stream} now={now} />}
            <RecentIncidents now={now} />
          </div>
          <div>
            <HotList rankings={now.rankings} updates={topic.updates} />
            {stream && <Vitals stream={stream} />}
          </div>
        </div>
      )}
    </div>
  );
}
