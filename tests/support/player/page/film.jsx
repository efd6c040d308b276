/** A React page with the package as its README says. The test bundles it. */

import { StrictMode, useEffect } from "react";
import { createRoot } from "react-dom/client";
import { useResumePoints } from "resume-points/react";

function Film({ points, videoId, src, follow }) {
  const { ref, watching } = useResumePoints(points, { videoId, every: 2, live: false });
  useEffect(() => {
    if (watching) follow(watching);
  }, [watching]);
  return <video ref={ref} src={src} preload="auto" />;
}

/** Shows a film, or another one in the same element. `videoId` null removes it. */
export function createStage(points, follow) {
  const place = document.createElement("div");
  document.body.append(place);
  const root = createRoot(place);
  return {
    show(videoId, src) {
      root.render(<StrictMode>{videoId && <Film {...{ points, videoId, src, follow }} />}</StrictMode>);
    },
    async media() {
      while (!place.firstChild) await new Promise((done) => setTimeout(done, 10));
      return place.firstChild;
    },
  };
}
