// All videos in groups: movies, each series, other videos.

const PREFIX = /^.*?(?=:\s+\S)/

/**
 * Groups of videos, in the order of the page. Each name in a series may start with `prefix`.
 * @param {any[]} videos
 * @returns {Array<{name: string, prefix: string, videos: any[]}>}
 */
export function groupsOf(videos) {
  const episodes = videos.filter(isInSeries)
  // Each company chooses the ids of its own series.
  const series = Map.groupBy(episodes, ({ corporation_id: owner, series_id: id }) => `${owner} ${id}`)
  const groups = [
    { name: "Movies", prefix: "", videos: videos.filter(({ kind }) => kind === "movie") },
    ...[...series.values()].map(seriesGroup),
    { name: "More videos", prefix: "", videos: videos.filter((video) => video.kind !== "movie" && !isInSeries(video)) },
  ]
  return groups.filter((group) => group.videos.length)
}

function isInSeries({ kind, series_id: id }) {
  return kind === "episode" && id !== null
}

/** The catalogue has no names of series. So the name is what the names of the episodes have in common. */
function seriesGroup(episodes) {
  const [{ name, series_id: id }] = episodes
  const videos = episodes.toSorted(byEpisode)
  if (episodes.every((each) => each.name === name)) return { name, prefix: "", videos }
  const title = PREFIX.exec(name)?.[0]
  const isCommon = title && episodes.every((each) => each.name.startsWith(`${title}: `))
  return isCommon ? { name: title, prefix: `${title}: `, videos } : { name: `Series ${id}`, prefix: "", videos }
}

/** By season and number. The specials (season 0) come last. */
function byEpisode(one, other) {
  const last = Number.MAX_SAFE_INTEGER
  const season = ({ season_number: number }) => number || last
  return season(one) - season(other) || one.episode_number - other.episode_number || one.id - other.id
}
