// How a video is called on the page.

const KINDS = { movie: "Film", episode: "Series", video: "Video" }

/** The kind, or for an episode its season and number: "Season 1, episode 2". */
export function kindOf({ kind, season_number: season, episode_number: episode }) {
  if (kind !== "episode" || episode === null) return KINDS[kind]
  if (season === 0) return `Special ${episode}`
  return season === null ? `Episode ${episode}` : `Season ${season}, episode ${episode}`
}

const PALETTES = 6

/** The colours of a video's picture: a number of `palette-…` in the style sheet. A series has one. */
export function paletteOf({ id, series_id: series }) {
  return (series ?? id) % PALETTES
}
