// How a video is called on the page.

const KINDS = { movie: "Movie", episode: "Episode", video: "Video" }
const ARTICLE = /^(?:the|an?)\s+(?=\S)/i

/** The kind, or for an episode its season and number: "Season 1, episode 2". */
export function kindOf({ kind, season_number: season, episode_number: episode }) {
  if (kind !== "episode" || episode === null) return KINDS[kind]
  if (season === 0) return `Special ${episode}`
  return season === null ? `Episode ${episode}` : `Season ${season}, episode ${episode}`
}

/** What stands in the picture: "S1 E2" for an episode, else the first letter of the name. */
export function signOf({ kind, name, season_number: season, episode_number: episode }) {
  if (kind !== "episode" || episode === null) return [...name.replace(ARTICLE, "")][0]?.toUpperCase() ?? ""
  if (season === 0) return `Special ${episode}`
  return season === null ? `E${episode}` : `S${season} E${episode}`
}

const PALETTES = 6

/** The colours of a video's picture: a number of `palette-…` in the style sheet. A series has one. */
export function paletteOf({ id, series_id: series }) {
  return (series ?? id) % PALETTES
}
