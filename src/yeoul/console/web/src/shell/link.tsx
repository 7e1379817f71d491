/** A link to another page of the console: no reload, and everything else as browsers do it. */
import type { AnchorHTMLAttributes, MouseEvent } from "react";
import { go, href } from "./route";

export function Link({ to, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { to: string }) {
  function follow(event: MouseEvent) {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to);
  }
  return <a href={href(to)} onClick={follow} {...rest} />;
}
